import type { JsonObject } from "../json-object.ts";

/** The line that gives Claude Code its prompt, word for word: slash commands and file mentions in it mean nothing. */
export function promptLine(prompt: string): string {
  return toLine({ type: "user", client_composed: true, message: { role: "user", content: prompt } });
}

/** The answer to a request of Claude Code, which waits for it. Nobody can be asked, so what needs consent is denied. */
export function answerLine(request: JsonObject): string {
  const requestId = request.text("request_id");
  const subtype = request.object("request").text("subtype");
  const response =
    subtype === "can_use_tool"
      ? { subtype: "success", request_id: requestId, response: { behavior: "deny", message: denial } }
      : { subtype: "error", request_id: requestId, error: `nobody answers "${subtype}" here` };
  return toLine({ type: "control_response", response });
}

/** The line that ends the turn that goes on. */
export const interruptLine = toLine({
  type: "control_request",
  request_id: "interrupt",
  request: { subtype: "interrupt" },
});

const denial = "Denied: nobody can be asked yet; choose another permission mode for the job if it needs this.";

function toLine(message: object): string {
  return `${JSON.stringify(message)}\n`;
}
