import { EndCause } from "#gen/job/v1/job_pb.js";
import type { JobBounds, MetBounds } from "../sandbox/job-cgroup.ts";
import type { StopOrder } from "./control.ts";
import type { JobLimitsMs } from "./limits.ts";
import { type OutcomeInit, stoppedOutcome } from "./outcome.ts";

/** What one job may use of its machine. */
export interface MachineShare extends JobBounds {
  /** In its workspace, home and temporary directory together. */
  readonly diskBytes: number;
}

/**
 * The outcome of a job that ended by itself, or a truer one: work that failed where a bound was met failed by that, whatever
 * its programs made of it.
 */
export function boundOutcome(outcome: OutcomeInit, met: MetBounds | undefined, share: MachineShare): OutcomeInit {
  if (outcome.cause === EndCause.COMPLETED) return outcome;
  if (met !== undefined && met.memoryKills > 0) {
    const message = `The job needed more than ${inBytes(share.memoryBytes)} of memory, the runner's JOB_MEMORY_BYTES.`;
    return { ...outcome, cause: EndCause.OUT_OF_MEMORY, message };
  }
  if (met !== undefined && met.refusedProcesses > 0) {
    const message = `The job wanted more than ${share.maxProcesses} processes at once, the runner's JOB_MAX_PROCESSES.`;
    return { ...outcome, cause: EndCause.PROCESS_LIMIT, message };
  }
  if (outcome.signal === "SIGXFSZ") return { ...outcome, cause: EndCause.DISK_FULL, message: diskMessage(share) };
  return outcome;
}

/** The outcome of a job that was stopped, by whom or what ever. */
export function stopOutcome(order: StopOrder, limits: JobLimitsMs, share: MachineShare): OutcomeInit {
  if (order.cause === EndCause.DISK_FULL) return { cause: order.cause, message: diskMessage(share) };
  return stoppedOutcome(order, limits);
}

function diskMessage({ diskBytes }: MachineShare): string {
  return `The job filled more than ${inBytes(diskBytes)} of the disk, the runner's JOB_DISK_BYTES.`;
}

/** An amount as people say it, such as "1.5 GiB". */
function inBytes(bytes: number): string {
  const [unit, size] = units.find(([, from]) => bytes >= from) ?? ["bytes", 1];
  return `${Number((bytes / size).toFixed(1))} ${unit}`;
}

const units = [
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
] as const;
