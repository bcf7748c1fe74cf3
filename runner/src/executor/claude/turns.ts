import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { type AgentAction, maxTextBytes } from "../agent-event.ts";
import { cutText } from "../cut-text.ts";
import type { JsonObject } from "../json-object.ts";
import { sessionUsage } from "./usage.ts";

/** The turns of a session, each ended by a result line, which counts some things from its start and some from the session's. */
export class Turns {
  #modelTurns = 0;
  #apiMs = 0;

  /** Reads a result line; `requests` were made in the session so far. */
  ended(result: JsonObject, requests: number): AgentAction {
    this.#modelTurns += result.count("num_turns");
    const apiMsBefore = this.#apiMs;
    this.#apiMs = result.count("duration_api_ms");
    return {
      case: "turnResult",
      value: {
        isError: result.flag("is_error"),
        kind: result.text("subtype"),
        text: cutText(resultText(result), maxTextBytes).text,
        turns: this.#modelTurns,
        duration: durationFromMs(result.count("duration_ms")),
        apiDuration: durationFromMs(Math.max(0, this.#apiMs - apiMsBefore)),
        usage: sessionUsage(result, requests),
        permissionDenials: result.objects("permission_denials").map((denial) => denial.text("tool_name")),
      },
    };
  }
}

/** What a result line says: the agent's last words, or what went wrong. */
export function resultText(result: JsonObject): string {
  return result.text("result") || result.texts("errors").join("\n");
}
