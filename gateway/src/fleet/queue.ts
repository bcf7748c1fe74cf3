/** Which waiting Job goes to which runner, and why the others wait. Pure. */
import { PendingReason } from "#gen/job/v1/job_pb.js";

/** A Job in the queue. */
export interface QueuedJob {
  readonly id: string;
  /** Executor it needs. */
  readonly executor: string;
  /** Labels its runner must carry, "key" or "key=value". */
  readonly labels: readonly string[];
  /** The only runner that may have it: it may be running it already, or has the session that goes on. Empty: any. */
  readonly boundTo: string;
}

/** A runner as the queue sees it. */
export interface SlotOffer {
  readonly name: string;
  readonly state: "online" | "draining" | "offline";
  readonly freeSlots: number;
  readonly labels: readonly string[];
  readonly executors: readonly string[];
  /** Its budget of the day for models is spent: agents wait. */
  readonly isBudgetSpent: boolean;
  /** Its disk is nearly full: nobody begins there. */
  readonly isDiskLow: boolean;
}

/** A Job that shall be offered to a runner. */
export interface Assignment {
  readonly jobId: string;
  readonly runner: string;
}

/**
 * Assigns Jobs in the order given to free slots, the emptiest runner first. A Job that no free slot suits does not hold
 * up those behind it.
 */
export function assignJobs(queue: Iterable<QueuedJob>, runners: readonly SlotOffer[]): readonly Assignment[] {
  const free = new Map(
    runners
      .filter(({ state, isDiskLow }) => state === "online" && !isDiskLow)
      .map(({ name, freeSlots }) => [name, freeSlots]),
  );
  const freeOf = ({ name }: SlotOffer) => free.get(name) ?? 0;
  const assignments: Assignment[] = [];
  for (const job of queue) {
    if (!runners.some((runner) => freeOf(runner) > 0)) break;
    const [best] = runners
      .filter((runner) => freeOf(runner) > 0 && suits(runner, job) && canPay(runner, job))
      .sort((a, b) => freeOf(b) - freeOf(a));
    if (best === undefined) continue;
    free.set(best.name, freeOf(best) - 1);
    assignments.push({ jobId: job.id, runner: best.name });
  }
  return assignments;
}

/** Why a Job is not running. */
export function waitReason(job: QueuedJob, runners: readonly SlotOffer[]): PendingReason {
  const bound = runners.find(({ name }) => name === job.boundTo);
  if (job.boundTo !== "" && (bound === undefined || bound.state === "offline")) return PendingReason.RUNNER_OFFLINE;
  const answering = runners.filter(({ state }) => state !== "offline");
  const suiting = runners.filter((runner) => suits(runner, job));
  if (answering.length === 0) return PendingReason.NO_RUNNER_ONLINE;
  if (suiting.length === 0) return PendingReason.NO_MATCHING_RUNNER;
  if (suiting.every(({ state }) => state === "offline")) return PendingReason.NO_RUNNER_ONLINE;
  if (suiting.every(({ state }) => state !== "online")) return PendingReason.RUNNER_DRAINING;
  const online = suiting.filter(({ state }) => state === "online");
  if (online.every(({ isDiskLow }) => isDiskLow)) return PendingReason.DISK_LOW;
  return online.some((runner) => canPay(runner, job)) ? PendingReason.ALL_SLOTS_BUSY : PendingReason.BUDGET_EXHAUSTED;
}

/** A task uses no model. */
function canPay({ isBudgetSpent }: SlotOffer, { executor }: QueuedJob): boolean {
  return executor === "task" || !isBudgetSpent;
}

function suits({ name, labels, executors }: SlotOffer, job: QueuedJob): boolean {
  if (job.boundTo !== "" && job.boundTo !== name) return false;
  const carries = (wanted: string) => labels.some((label) => label === wanted || label.startsWith(`${wanted}=`));
  return executors.includes(job.executor) && job.labels.every(carries);
}
