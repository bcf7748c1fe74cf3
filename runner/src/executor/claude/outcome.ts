import { EndCause } from "#gen/job/v1/job_pb.js";
import { cutText } from "../cut-text.ts";
import type { Conclusion, ProcessEnd } from "../executor.ts";
import type { JsonObject } from "../json-object.ts";
import { resultText } from "./turns.ts";

type Outcome = Conclusion["outcome"];

/** What a session came to. */
export interface SessionEnd {
  /** The last result line; undefined when the program ended inside a turn. */
  readonly result: JsonObject | undefined;
  /** The turn was interrupted because the API does not take the key. */
  readonly keyRefused: boolean;
  /** It was not let go on, because it had its turns. */
  readonly limitReached: boolean;
  /** Why the program, started before its job, did not become what that wants; undefined when it did. */
  readonly refusal: string | undefined;
}

/** How an attempt ended. */
export function judgeEnd(end: ProcessEnd, session: SessionEnd): Outcome {
  const facts = end.kind === "exited" ? { exitCode: end.exitCode } : { signal: end.signal };
  return { ...judge(end, session), ...facts };
}

function judge(end: ProcessEnd, { result, keyRefused, limitReached, refusal }: SessionEnd): Outcome {
  if (refusal !== undefined) {
    return { cause: EndCause.AGENT_ERROR, message: `Claude Code does not work as the job asks: ${refusal}.` };
  }
  if (result === undefined) return judgeUnfinished(end);
  if (limitReached) return { cause: EndCause.TURN_LIMIT, message: turnLimitMessage };
  if (!result.flag("is_error")) return { cause: EndCause.COMPLETED, message: completedMessage(result) };
  return keyRefused ? notAuthenticated("401") : judgeError(result);
}

const turnLimitMessage = "The agent has had its turns; raise limits.max_turns if the job needs more.";

function judgeUnfinished(end: ProcessEnd): Outcome {
  if (end.kind === "signaled") {
    const message = `Claude Code was ended by ${end.signal}, which nobody here sent.`;
    return { cause: EndCause.SIGNAL, message };
  }
  const cause = end.exitCode === 0 ? EndCause.AGENT_ERROR : EndCause.EXIT_CODE;
  return { cause, message: `Claude Code exited with code ${end.exitCode} before it had a result; its log says why.` };
}

/** Errors of the API come as results of kind "success": only is_error tells. */
function judgeError(result: JsonObject): Outcome {
  const said = cutText(resultText(result).trim(), maxQuoteBytes).text.replace(/\.$/, "");
  const status = result.count("api_error_status");
  switch (result.text("subtype")) {
    case "error_max_turns":
      return { cause: EndCause.TURN_LIMIT, message: `${said}; raise limits.max_turns if the job needs more.` };
    case "error_max_budget_usd":
      return {
        cause: EndCause.BUDGET_EXHAUSTED,
        message: `${said}; raise limits.budget_micros if the job needs more.`,
      };
  }
  if (status === 401 || status === 403 || /^(invalid api key|not logged in)/i.test(said)) return notAuthenticated(said);
  if (result.text("terminal_reason").startsWith("aborted_")) {
    return { cause: EndCause.AGENT_ERROR, message: "Claude Code was interrupted before it had finished." };
  }
  const advice = status === 429 || status >= 500 ? " Retry the job later." : "";
  return {
    cause: EndCause.AGENT_ERROR,
    message: `Claude Code ended with an error: ${said || "it gave none"}.${advice}`,
  };
}

function notAuthenticated(answer: string): Outcome {
  const message = `The model's API refused the runner's key; check ANTHROPIC_API_KEY on the runner. It said: ${answer}.`;
  return { cause: EndCause.AGENT_NOT_AUTHENTICATED, message };
}

const maxQuoteBytes = 700;

function completedMessage(result: JsonObject): string {
  const denials = result.objects("permission_denials").length;
  if (denials === 0) return "Claude Code finished.";
  return `Claude Code finished, but ${denials === 1 ? "1 tool call was" : `${denials} tool calls were`} denied.`;
}
