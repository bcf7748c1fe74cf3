/** The states of a Job and the moves between them. This table is the only place that decides them. */
import { EndCause, JobState } from "#gen/job/v1/job_pb.js";

/** A state that a stored Job can have. */
export type KnownState = Exclude<JobState, JobState.UNSPECIFIED>;

const successors: Readonly<Record<KnownState, readonly JobState[]>> = {
  [JobState.PENDING]: [JobState.PENDING, JobState.RUNNING, JobState.FAILED, JobState.CANCELED, JobState.TIMED_OUT],
  [JobState.RUNNING]: [JobState.WAITING, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED, JobState.TIMED_OUT],
  [JobState.WAITING]: [
    JobState.RUNNING,
    JobState.WAITING,
    JobState.SUCCEEDED,
    JobState.FAILED,
    JobState.CANCELED,
    JobState.TIMED_OUT,
  ],
  [JobState.SUCCEEDED]: [],
  [JobState.FAILED]: [],
  [JobState.CANCELED]: [],
  [JobState.TIMED_OUT]: [],
};

/** Whether a Job may go from one state to the other. */
export function mayMove(from: JobState, to: JobState): boolean {
  return from !== JobState.UNSPECIFIED && successors[from].includes(to);
}

/** Whether a state is terminal. */
export function isFinal(state: JobState): boolean {
  return state !== JobState.UNSPECIFIED && successors[state].length === 0;
}

/** The states a runner may report itself; how a Job ends is decided here, from the facts. */
export function runnerMayReport(state: JobState): boolean {
  return state === JobState.RUNNING || state === JobState.WAITING;
}

/** The terminal state that follows from why an attempt ended. */
export function finalState(cause: EndCause): JobState {
  switch (cause) {
    case EndCause.COMPLETED:
      return JobState.SUCCEEDED;
    case EndCause.CANCELED:
      return JobState.CANCELED;
    case EndCause.WALL_TIMEOUT:
    case EndCause.IDLE_TIMEOUT:
    case EndCause.QUEUE_TIMEOUT:
    case EndCause.ASK_TIMEOUT:
      return JobState.TIMED_OUT;
    case EndCause.UNSPECIFIED:
    case EndCause.EXIT_CODE:
    case EndCause.SIGNAL:
    case EndCause.UNSTARTABLE:
    case EndCause.CLONE_FAILED:
    case EndCause.AGENT_ERROR:
    case EndCause.AGENT_NOT_INSTALLED:
    case EndCause.AGENT_NOT_AUTHENTICATED:
    case EndCause.TURN_LIMIT:
    case EndCause.BUDGET_EXHAUSTED:
    case EndCause.OUT_OF_MEMORY:
    case EndCause.DISK_FULL:
    case EndCause.RUNNER_LOST:
    case EndCause.RUNNER_STOPPED:
    case EndCause.SESSION_LOST:
    case EndCause.PROCESS_LIMIT:
    case EndCause.PUBLISH_FAILED:
      return JobState.FAILED;
  }
}
