import { RequestError, type StopReason } from "@agentclientprotocol/sdk";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { cutText } from "../cut-text.ts";
import type { Conclusion, ProcessEnd } from "../executor.ts";

type Outcome = Conclusion["outcome"];

/** What a session came to. */
export type SessionEnd =
  /** Its last turn ended. */
  | { readonly kind: "stopped"; readonly reason: StopReason }
  /** The agent refused a request, or what was asked of it cannot be had. */
  | { readonly kind: "failed"; readonly error: Error };

/** How an attempt ended; the session has no end when the process ended inside a turn. */
export function judgeEnd(agent: string, process: ProcessEnd, session: SessionEnd | undefined): Outcome {
  const facts = process.kind === "exited" ? { exitCode: process.exitCode } : { signal: process.signal };
  return { ...judge(agent, process, session), ...facts };
}

function judge(agent: string, process: ProcessEnd, session: SessionEnd | undefined): Outcome {
  if (session === undefined) return judgeUnfinished(agent, process);
  return session.kind === "stopped" ? judgeStop(agent, session.reason) : judgeFailure(agent, session.error);
}

function judgeUnfinished(agent: string, process: ProcessEnd): Outcome {
  if (process.kind === "signaled") {
    return { cause: EndCause.SIGNAL, message: `${agent} was ended by ${process.signal}, which nobody here sent.` };
  }
  const cause = process.exitCode === 0 ? EndCause.AGENT_ERROR : EndCause.EXIT_CODE;
  return { cause, message: `${agent} exited with code ${process.exitCode} before it had finished; its log says why.` };
}

function judgeStop(agent: string, reason: StopReason): Outcome {
  switch (reason) {
    case "end_turn":
      return { cause: EndCause.COMPLETED, message: `${agent} finished.` };
    case "max_turn_requests":
      return { cause: EndCause.TURN_LIMIT, message: `${agent} came to its own limit of model requests in a turn.` };
    case "cancelled":
      return { cause: EndCause.AGENT_ERROR, message: `${agent} was interrupted before it had finished.` };
    case "max_tokens":
    case "refusal":
      return { cause: EndCause.AGENT_ERROR, message: `${agent} did not finish: its model ended with "${reason}".` };
  }
}

function judgeFailure(agent: string, error: Error): Outcome {
  const said = cutText(whatItSays(error), maxQuoteBytes).text.replace(/\.$/, "");
  if (error instanceof RequestError && error.code === authenticationRequired) {
    const advice = "check its settings in ACP_AGENTS, and ANTHROPIC_API_KEY, on the runner";
    return {
      cause: EndCause.AGENT_NOT_AUTHENTICATED,
      message: `${agent} has no access to its model; ${advice}. It said: ${said}.`,
    };
  }
  return { cause: EndCause.AGENT_ERROR, message: `${agent} ended with an error: ${said || "it gave none"}.` };
}

/** Agents give the cause of an internal error in its data. */
function whatItSays(error: Error): string {
  const { data } = error instanceof RequestError ? error : { data: undefined };
  if (typeof data === "string") return `${error.message}: ${data}`;
  const details = typeof data === "object" && data !== null && "details" in data ? data.details : undefined;
  return typeof details === "string" ? `${error.message}: ${details}` : error.message;
}

const authenticationRequired = -32000;
const maxQuoteBytes = 700;
