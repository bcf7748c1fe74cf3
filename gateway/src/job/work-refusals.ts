/** Why a Job's work cannot be shown or pushed. */
import { Code } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { ProblemInit } from "#protocol/problem.ts";

/** The workspace is an empty directory. */
export function noRepository(id: string): ProblemInit {
  return {
    ...{ code: Code.FailedPrecondition, reason: ProblemReason.NO_REPOSITORY, field: "id" },
    message: `job ${id} works in an empty workspace, which has no repository`,
    action: "Name a repository in repo_ref to see what a job changes.",
  };
}

/** No runner has begun with the Job, or it was lost before it told where. */
export function notCheckedOut(id: string): ProblemInit {
  return {
    ...{ code: Code.FailedPrecondition, reason: ProblemReason.WORKSPACE_MISSING, field: "id" },
    message: `job ${id} has not checked out its repository`,
    action: "Wait until it has; of a job that ended before, there is nothing to show.",
  };
}

/** Nobody has the workspace any more. */
export function workspaceGone(id: string, why: string): ProblemInit {
  return {
    ...{ code: Code.FailedPrecondition, reason: ProblemReason.WORKSPACE_MISSING, field: "id" },
    message: `the workspace of job ${id} is gone: ${why}`,
    action: "Run the job again; runners keep workspaces of agents for a while only.",
  };
}

/** The runner could not tell what the Job changed. */
export function unreadable(id: string, why: string): ProblemInit {
  return {
    ...{ code: Code.FailedPrecondition, reason: ProblemReason.REPOSITORY_BROKEN, field: "id" },
    message: `what job ${id} changed could not be read at its end: ${why}`,
    action: "Run the job again.",
  };
}

/** A pull request needs a branch. */
export function notPushed(id: string): ProblemInit {
  return {
    ...{ code: Code.FailedPrecondition, reason: ProblemReason.NOT_PUSHED, field: "id" },
    message: `no branch of job ${id} was pushed`,
    action: "Push a branch first.",
  };
}
