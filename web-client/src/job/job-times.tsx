import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Job } from "#gen/job/v1/job_pb.js";
import { clock } from "../ui/clock.ts";
import { agoText, durationText, momentText } from "../ui/time-text.ts";

/** How long a job ran, ticking while it runs; its time in the queue before that. */
export function JobElapsed({ job }: { readonly job: Job }) {
  const from = job.startTime ?? job.createTime;
  if (!from) return <>–</>;
  const isWaiting = !job.startTime && !job.endTime;
  const text = durationText((job.endTime ? timestampMs(job.endTime) : clock.value) - timestampMs(from));
  return <>{isWaiting ? `${text} in queue` : text}</>;
}

/** When a job was created. */
export function JobCreated({ job }: { readonly job: Job }) {
  if (!job.createTime) return <>–</>;
  const atMs = timestampMs(job.createTime);
  return <time dateTime={new Date(atMs).toISOString()}>{momentText(atMs, Date.now())}</time>;
}

/** When the last event of a running job came. */
export function LastEvent({ atMs }: { readonly atMs: number }) {
  return <>{atMs === 0 ? "–" : agoText(clock.value - atMs)}</>;
}
