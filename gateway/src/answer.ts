import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { findProblem, type ProblemInit, problemError } from "#protocol/problem.ts";

/**
 * What a Durable Object's method answers. Errors lose their class between isolates, so that a refusal of the caller's
 * request is a value there and becomes a ConnectError in the service.
 */
export type Answer<Value> = { readonly ok: Value } | { readonly refused: ProblemInit };

/** The value of an answer; throws the ConnectError of a refusal. */
export function value<Value>(answer: Answer<Value>): Value {
  if ("refused" in answer) throw problemError(answer.refused);
  return answer.ok;
}

/** What a runner refused, as a refusal of our own. Throws what is none. */
export function refusalOf(error: unknown): ProblemInit {
  const { code, rawMessage: message } = ConnectError.from(error);
  const problem = findProblem(ConnectError.from(error));
  if (problem === undefined && code !== Code.Unavailable && code !== Code.DeadlineExceeded) throw error;
  const {
    reason = ProblemReason.RUNNER_OFFLINE,
    action = "Try again when the runner is back.",
    field = "",
    retryAfter,
  } = problem ?? {};
  const retryAfterMs = retryAfter === undefined ? 2_000 : durationMs(retryAfter);
  const isPassing = code === Code.Unavailable || retryAfter !== undefined;
  return { code, reason, message, action, field, ...(isPassing ? { retryAfterMs } : {}) };
}

/** The idempotency key was used for something else. */
export function keyReused(by: string): ProblemInit {
  return {
    code: Code.AlreadyExists,
    reason: ProblemReason.IDEMPOTENCY_KEY_REUSED,
    field: "idempotency_key",
    message: `idempotency_key was used before: ${by}`,
    action: "Send another key, or the same request.",
  };
}

/** Refuses an RPC that has no body yet. */
export function notImplemented(rpc: string): never {
  throw problemError({
    code: Code.Unimplemented,
    reason: ProblemReason.NOT_IMPLEMENTED,
    message: `${rpc} is not implemented by this version`,
    action: "Update the gateway.",
  });
}
