/** One piece of a tool's input, as a person reads it. Together the pieces of one input hold all of it. */
export interface InputPart {
  readonly kind: "command" | "path" | "before" | "after" | "other";
  readonly title: string;
  readonly text: string;
}

/** Lines of text that a person takes in without being asked to. */
const shortLines = 40;
const lineWidth = 120;

/** The whole input of a tool call: a command and file edits as people know them, everything else as indented JSON. */
export function describeInput(inputJson: string): readonly InputPart[] {
  const input = parseObject(inputJson);
  if (!input) return [{ kind: "other", title: "Input", text: inputJson }];
  const { command, file_path, notebook_path, path, old_string, new_string, edits, content, new_source, ...rest } =
    input;
  const parts = [
    ...part("command", "Command", command),
    ...part("path", "File", file_path),
    ...part("path", "Notebook", notebook_path),
    ...part("path", "Path", path),
    ...part("before", "Before", old_string),
    ...part("after", "After", new_string),
    ...(Array.isArray(edits) ? edits.flatMap(describeEdit) : leftOver("edits", edits)),
    ...part("after", "Content", content),
    ...part("after", "New source", new_source),
  ];
  return Object.keys(rest).length > 0 || parts.length === 0
    ? [...parts, { kind: "other", title: parts.length > 0 ? "Also" : "Input", text: JSON.stringify(rest, null, 2) }]
    : parts;
}

/** True for text that is too long to be taken in at a glance; a long line counts as the lines it fills. */
export function isLong(parts: readonly Pick<InputPart, "text">[]): boolean {
  return countLines(parts) > shortLines;
}

/** Lines that parts fill on a screen. */
export function countLines(parts: readonly Pick<InputPart, "text">[]): number {
  return parts
    .flatMap(({ text }) => text.split("\n"))
    .reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / lineWidth)), 0);
}

function describeEdit(edit: unknown): readonly InputPart[] {
  const { old_string, new_string, ...rest }: Record<string, unknown> = Object(edit);
  return [
    ...part("before", "Before", old_string),
    ...part("after", "After", new_string),
    ...(Object.keys(rest).length > 0
      ? [{ kind: "other", title: "Also", text: JSON.stringify(rest, null, 2) } as const]
      : []),
  ];
}

function part(kind: InputPart["kind"], title: string, value: unknown): readonly InputPart[] {
  return typeof value === "string" ? [{ kind, title, text: value }] : leftOver(title, value);
}

function leftOver(title: string, value: unknown): readonly InputPart[] {
  return value === undefined ? [] : [{ kind: "other", title, text: JSON.stringify(value, null, 2) }];
}

/** An input as an object, or undefined when it is none. */
export function parseObject(inputJson: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const input: unknown = JSON.parse(inputJson);
    return typeof input === "object" && input !== null && !Array.isArray(input) ? { ...input } : undefined;
  } catch {
    // What is no JSON is shown as it came.
    return undefined;
  }
}
