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

function findTelling(inputJson: string): string | undefined {
  try {
    const input: Record<string, unknown> = Object(JSON.parse(inputJson));
    const field = tellingFields.find((name) => typeof input[name] === "string");
    return field === undefined ? undefined : String(input[field]);
  } catch {
    // Cut at its limit, it is no JSON any more; it is shown as it is.
    return undefined;
  }
}
