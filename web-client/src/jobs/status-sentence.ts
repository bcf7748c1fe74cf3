import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import {
  EndCause,
  type Job,
  JobPhase,
  JobState,
  type Outcome,
  type PendingDetail,
  PendingReason,
  type WaitingDetail,
  WaitingReason,
} from "#gen/job/v1/job_pb.js";

/** One sentence that says how a job stands and why; what waits says on what. */
export function statusSentence(job: Job): string {
  if (job.suspect) return "Its runner has not been heard from; the job may well be running.";
  const detail = job.status?.detail;
  switch (detail?.case) {
    case "pending":
      return pendingSentence(detail.value);
    case "waiting":
      return waitingSentence(detail.value);
    case "outcome":
      return outcomeSentence(detail.value);
    case undefined:
      return job.status?.state === JobState.RUNNING ? (phases[job.phase] ?? "") : "";
  }
}

/** How a finished job's process ended, in two words: "exit 1", "SIGKILL"; empty when no process tells. */
export function exitText(job: Job): string {
  const detail = job.status?.detail;
  if (detail?.case !== "outcome") return "";
  if (detail.value.signal) return detail.value.signal;
  return detail.value.exitCode === undefined ? "" : `exit ${detail.value.exitCode}`;
}

const phases: Record<JobPhase, string> = {
  [JobPhase.UNSPECIFIED]: "",
  [JobPhase.PREPARING]: "Preparing the workspace.",
  [JobPhase.EXECUTING]: "",
  [JobPhase.COLLECTING]: "Collecting results and cleaning up.",
};

const pendingReasons: Record<PendingReason, string> = {
  [PendingReason.UNSPECIFIED]: "Queued",
  [PendingReason.NO_RUNNER_ONLINE]: "Waits for a runner: none is online",
  [PendingReason.NO_MATCHING_RUNNER]: "Waits for a runner with the labels or the agent it asks for",
  [PendingReason.ALL_SLOTS_BUSY]: "Waits for a free lane",
  [PendingReason.RUNNER_DRAINING]: "Waits: every matching runner is draining",
  [PendingReason.QUEUE_PAUSED]: "Waits: the queue is paused",
  [PendingReason.BUDGET_EXHAUSTED]: "Waits: today's budget is spent",
  [PendingReason.RATE_LIMITED]: "Waits for the model's provider",
  [PendingReason.RUNNER_OFFLINE]: "Waits for the one runner that may have it, which does not answer",
  [PendingReason.DISK_LOW]: "Waits: the disk of every matching runner is nearly full",
  [PendingReason.DISPATCHING]: "Being handed to a runner",
};

function pendingSentence(detail: PendingDetail): string {
  const place = detail.position > 0 ? ` · position ${detail.position} in the queue` : "";
  return `${pendingReasons[detail.reason] ?? "Queued"}${untilText(detail.until)}${place}.`;
}

const waitingReasons: Record<WaitingReason, string> = {
  [WaitingReason.UNSPECIFIED]: "Waits",
  [WaitingReason.ASK]: "Waits for your answer",
  [WaitingReason.INPUT]: "Waits for a message from you",
  [WaitingReason.RATE_LIMIT]: "Waits for the model's provider",
  [WaitingReason.BUDGET]: "Waits for a decision about its budget",
};

function waitingSentence(detail: WaitingDetail): string {
  return `${waitingReasons[detail.reason] ?? "Waits"}${untilText(detail.until)}.`;
}

const endCauses: Record<EndCause, string> = {
  [EndCause.UNSPECIFIED]: "Ended",
  [EndCause.COMPLETED]: "Completed",
  [EndCause.EXIT_CODE]: "The command failed",
  [EndCause.SIGNAL]: "A signal ended the process",
  [EndCause.CANCELED]: "Stopped",
  [EndCause.WALL_TIMEOUT]: "Its time limit was reached",
  [EndCause.IDLE_TIMEOUT]: "It was silent for longer than its limit",
  [EndCause.QUEUE_TIMEOUT]: "It waited in the queue for longer than its limit",
  [EndCause.ASK_TIMEOUT]: "Nobody answered it in time",
  [EndCause.UNSTARTABLE]: "The program could not be started",
  [EndCause.CLONE_FAILED]: "The repository could not be cloned",
  [EndCause.AGENT_ERROR]: "The agent reported an error",
  [EndCause.AGENT_NOT_INSTALLED]: "The agent is not installed on the runner",
  [EndCause.AGENT_NOT_AUTHENTICATED]: "The agent has no valid key",
  [EndCause.TURN_LIMIT]: "The agent reached its limit of turns",
  [EndCause.BUDGET_EXHAUSTED]: "Its budget is spent",
  [EndCause.OUT_OF_MEMORY]: "It ran out of memory",
  [EndCause.DISK_FULL]: "The disk is full",
  [EndCause.RUNNER_LOST]: "Its runner was lost",
  [EndCause.RUNNER_STOPPED]: "Its runner was stopped",
  [EndCause.SESSION_LOST]: "The session it should continue is gone",
  [EndCause.PROCESS_LIMIT]: "It reached its limit of processes",
  [EndCause.PUBLISH_FAILED]: "Its work could not be published",
};

function outcomeSentence(outcome: Outcome): string {
  if (outcome.message) return outcome.message;
  const cause = endCauses[outcome.cause] ?? "Ended";
  const who = outcome.actor?.id ? ` by ${outcome.actor.id}` : "";
  return `${cause}${who}.`;
}

function untilText(until: Timestamp | undefined): string {
  return until ? ` until ${timestampDate(until).toLocaleTimeString()}` : "";
}
