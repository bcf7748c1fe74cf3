import { Code, type ConnectError } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { type ProblemInit, problemError } from "#protocol/problem.ts";

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

/** The error of an RPC that has no body yet. */
export function notImplemented(rpc: string): ConnectError {
  return problemError({
    code: Code.Unimplemented,
    reason: ProblemReason.NOT_IMPLEMENTED,
    message: `${rpc} is not implemented by this version`,
    action: "Update the gateway.",
  });
}
