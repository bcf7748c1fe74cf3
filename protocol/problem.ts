import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { type Code, ConnectError } from "@connectrpc/connect";
import { type Problem, type ProblemReason, ProblemSchema } from "#gen/job/v1/problem_pb.js";

/** What an error tells a program besides its text: see Problem in the contract. */
export interface ProblemInit {
  readonly code: Code;
  readonly reason: ProblemReason;
  /** One lower-case fact with the value at fault. */
  readonly message: string;
  /** What to do next, one sentence. */
  readonly action: string;
  readonly field?: string;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** A ConnectError that carries a Problem, as every error of this product's services does. */
export function problemError(init: ProblemInit): ConnectError {
  const value = create(ProblemSchema, {
    reason: init.reason,
    field: init.field ?? "",
    action: init.action,
    ...(init.retryAfterMs === undefined ? {} : { retryAfter: durationFromMs(init.retryAfterMs) }),
  });
  return new ConnectError(init.message, init.code, undefined, [{ desc: ProblemSchema, value }], init.cause);
}

/** The Problem inside an error, if it came with one. */
export function findProblem(error: ConnectError): Problem | undefined {
  return error.findDetails(ProblemSchema)[0];
}
