/** Why calls about a Job are refused. */
import { Code } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { ProblemInit } from "#protocol/problem.ts";

/** No Job has this id, or it was deleted. */
export function jobNotFound(): ProblemInit {
  return {
    code: Code.NotFound,
    reason: ProblemReason.JOB_NOT_FOUND,
    field: "id",
    message: "no job has this id",
    action: "List the jobs to find its id.",
  };
}

/** The Job has no such file. */
export function artifactNotFound(path: string): ProblemInit {
  return {
    code: Code.NotFound,
    reason: ProblemReason.ARTIFACT_MISSING,
    field: "path",
    message: `the job has no artifact at ${path.slice(0, 200)}`,
    action: "List the job's artifacts.",
  };
}

/** No more Jobs can wait. */
export function queueFull(): ProblemInit {
  return {
    code: Code.ResourceExhausted,
    reason: ProblemReason.QUEUE_FULL,
    message: "queue is full (100000 jobs)",
    action: "Wait until jobs have ended, or cancel some.",
    retryAfterMs: 10_000,
  };
}

/** The Job is final, and this can only be done before. */
export function finished(id: string): ProblemInit {
  return {
    code: Code.FailedPrecondition,
    reason: ProblemReason.JOB_FINISHED,
    message: `job ${id} is finished`,
    action: "Nothing is left to stop; retry the job to run it again.",
  };
}

/** The Job is not final yet, and this can only be done then. */
export function notFinished(id: string): ProblemInit {
  return {
    code: Code.FailedPrecondition,
    reason: ProblemReason.JOB_NOT_FINISHED,
    field: "id",
    message: `job ${id} is not finished`,
    action: "Cancel the job or wait for its end.",
  };
}
