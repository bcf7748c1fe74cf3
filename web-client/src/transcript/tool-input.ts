const tellingFields = ["command", "file_path", "path", "pattern", "url", "query", "description", "prompt"];
const maxCharacters = 200;

/** A tool call's input in one line: the field that tells most, or the JSON itself. */
export function summarizeInput(inputJson: string): string {
  const telling = findTelling(inputJson) ?? inputJson;
  const line = telling.trim().split("\n", 1)[0] ?? "";
  return line.length > maxCharacters || line.length < telling.trim().length
    ? `${line.slice(0, maxCharacters)} …`
    : line;
}

/** A tool call's whole input, laid out to be read. */
export function layOutInput(inputJson: string): string {
  const input = parseInput(inputJson);
  return input === undefined ? inputJson : JSON.stringify(input, null, 2);
}

function findTelling(inputJson: string): string | undefined {
  const input = parseInput(inputJson);
  const field = tellingFields.find((name) => typeof input?.[name] === "string");
  return field === undefined ? undefined : String(input?.[field]);
}

function parseInput(inputJson: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return Object(JSON.parse(inputJson));
  } catch {
    // Cut at its limit, it is no JSON any more; it is shown as it is.
    return undefined;
  }
}
