/** What a Job has to do by time: when it is due, and giving up what has waited in vain. */
import { durationMs, type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { EndCause, type Job, JobState } from "#gen/job/v1/job_pb.js";
import type { JobRecord } from "./job-record.ts";
import { lease } from "./lease.ts";

/** Watchdog: how often an object with an attempt is woken, should the runtime have put it to sleep. */
const watchdogMs = 30_000;
/** Queue limit when the spec names none. */
const defaultQueueMs = 7 * 24 * 3_600_000;
const retryMs = 5_000;
/** A runner that has not answered by then releases the attempt when the fleet sees it again. */
const releaseForMs = 3_600_000;

/** When the Job is to be woken, what people and agent say aside; undefined when nothing is left to do. */
export function wakeMs(record: JobRecord, { isReported }: { readonly isReported: boolean }): number | undefined {
  const { canceler, holder, job } = record.memory;
  const isHurried = !isReported || (holder?.phase === "held" && canceler !== undefined);
  if (isHurried) return Math.min(Date.now() + retryMs, queueDeadlineMs(job));
  switch (holder?.phase) {
    case "held":
    case "starting":
    case "released":
      return Date.now() + watchdogMs;
    case undefined:
      return record.state === JobState.PENDING ? queueDeadlineMs(record.view()) : undefined;
  }
}

/**
 * Ends what waits in vain: a Job whose queue limit is over or that was canceled while a lost runner had been asked, and
 * the tries to release an attempt on a runner that does not come back.
 */
export function giveUpWaiting(record: JobRecord): void {
  const { holder, canceler } = record.memory;
  if (holder?.phase === "starting" && Date.now() - holder.sinceMs > lease.boundMs) record.setHolder(undefined);
  if (holder?.phase === "released" && Date.now() - timeMs(record.view().endTime) > releaseForMs)
    record.setHolder(undefined);
  if (record.state !== JobState.PENDING || record.isHeld) return;
  if (canceler !== undefined) record.finishWith(EndCause.CANCELED, "canceled before it began", canceler);
  else if (Date.now() >= queueDeadlineMs(record.view())) {
    record.finishWith(EndCause.QUEUE_TIMEOUT, "no runner took it within its queue limit");
  }
}

function queueDeadlineMs({ createTime, spec }: Job): number {
  const limit = spec?.limits?.queue;
  const limitMs = limit === undefined ? defaultQueueMs : durationMs(limit);
  return timeMs(createTime) + limitMs;
}

function timeMs(time: Timestamp | undefined): number {
  return time === undefined ? 0 : timestampMs(time);
}
