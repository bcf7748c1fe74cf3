/** Whether a new Job can continue a finished one, as far as the gateway can tell. Pure. */
import { Code } from "@connectrpc/connect";
import { EndCause, type Job, type JobSpec, JobState } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { type ProblemInit, problemError } from "#protocol/problem.ts";
import { jobNotFound } from "./job-refusals.ts";
import { isFinal } from "./job-state.ts";

/** Name of the runner that has the session of the old Job; throws when the new one cannot continue it. */
export function runnerToContinue(spec: JobSpec, old: Job): string {
  const refusal = refuseContinuation(spec, old);
  if (refusal !== undefined) throw problemError(refusal);
  return old.placement?.runner ?? "";
}

/** The Job to be continued does not exist. */
export function continuedNotFound(): ProblemInit {
  return { ...jobNotFound(), field: "continues" };
}

/**
 * Which Job a retry of this one continues. One that had begun took the session along, so that the retry goes on from
 * there; one that never got it leaves it where it was.
 */
export function continuedByRetry({ id, continues, placement, status }: Job): string {
  const gotSession = placement !== undefined && causeOf(status) !== EndCause.SESSION_LOST;
  return continues !== "" && gotSession ? id : continues;
}

function refuseContinuation(spec: JobSpec, old: Job): ProblemInit | undefined {
  const { work, repoRef } = spec;
  const oldWork = old.spec?.work;
  if (work.case !== "agent") return wrong("continues", "is only for agents");
  if (oldWork?.case !== "agent") return unfit(ProblemReason.NOT_SUPPORTED, `job ${old.id} is a task`);
  if (!isFinal(old.status?.state ?? JobState.UNSPECIFIED)) {
    return unfit(ProblemReason.JOB_NOT_FINISHED, `job ${old.id} is not finished`);
  }
  if (old.placement === undefined) return unfit(ProblemReason.SESSION_LOST, `job ${old.id} never ran`);
  if (work.value.agent !== oldWork.value.agent) {
    return wrong("spec.agent.agent", `must be ${oldWork.value.agent}, as in job ${old.id}`);
  }
  return repoRef === old.spec?.repoRef
    ? undefined
    : wrong("spec.repo_ref", `must be ${old.spec?.repoRef}, as in job ${old.id}`);
}

function wrong(field: string, what: string): ProblemInit {
  return {
    ...{ code: Code.InvalidArgument, reason: ProblemReason.INVALID_FIELD, field },
    message: `${field} ${what}`,
    action: "Take agent and repo_ref from the job that is continued, or leave continues out.",
  };
}

function unfit(reason: ProblemReason, message: string): ProblemInit {
  return {
    ...{ code: Code.FailedPrecondition, reason, field: "continues", message },
    action: "Continue an agent's job that has run and ended.",
  };
}

function causeOf(status: Job["status"]): EndCause | undefined {
  return status?.detail.case === "outcome" ? status.detail.value.cause : undefined;
}
