import { parseObject } from "./input-parts.ts";

/** A tool's input as a person changes it. */
export interface InputEdit {
  readonly title: string;
  /** What the text box holds at first. */
  readonly text: string;
  /** The whole input with the changed text in it, as JSON; undefined while the text stands for none. */
  readonly toJson: (text: string) => string | undefined;
}

/** A command is changed as it is; any other input as its JSON. */
export function editInput(inputJson: string): InputEdit {
  const input = parseObject(inputJson);
  if (typeof input?.command === "string") {
    return {
      title: "Command",
      text: input.command,
      toJson: (command) => (command.trim() ? JSON.stringify({ ...input, command }) : undefined),
    };
  }
  return {
    title: "Input as JSON",
    text: input ? JSON.stringify(input, null, 2) : inputJson,
    toJson: (text) => {
      const changed = parseObject(text);
      return changed && JSON.stringify(changed);
    },
  };
}
