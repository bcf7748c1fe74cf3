import { Code, type ConnectError } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";

/** Refuses what the disk does not take: "the job", "the attachment". */
export function cannotStore(what: string, cause: Error): ConnectError {
  return problemError({
    code: Code.ResourceExhausted,
    reason: ProblemReason.RUNNER_DRAINING,
    message: `the runner cannot store ${what}: ${cause.message}`,
    action: "Use another runner, or make room on this one's disk.",
    cause,
  });
}
