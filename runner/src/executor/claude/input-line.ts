/** The line that gives Claude Code a prompt, word for word: slash commands and file mentions in it mean nothing. */
export function promptLine(...texts: readonly string[]): string {
  const [first = "", ...more] = texts;
  const content = more.length === 0 ? first : texts.map((text) => ({ type: "text", text }));
  return toLine({ type: "user", client_composed: true, message: { role: "user", content } });
}

/** A request to Claude Code itself. */
export function requestLine(requestId: string, request: object): string {
  return toLine({ type: "control_request", request_id: requestId, request });
}

/** The answer to a request of Claude Code, which waits for it. */
export function responseLine(requestId: string, response: object): string {
  return toLine({ type: "control_response", response: { subtype: "success", request_id: requestId, response } });
}

/** Refuses a request of Claude Code. */
export function refusalLine(requestId: string, error: string): string {
  return toLine({ type: "control_response", response: { subtype: "error", request_id: requestId, error } });
}

function toLine(message: object): string {
  return `${JSON.stringify(message)}\n`;
}
