import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Job } from "#gen/job/v1/job_pb.js";
import { clock } from "../ui/clock.ts";
import { agoText, durationText } from "../ui/time-text.ts";

/** How long a job ran, ticking while it runs; its time in the queue before that. */
export function JobElapsed({ job }: { readonly job: Job }) {
  const from = job.startTime ?? job.createTime;
  if (!from) return <>–</>;
  const isWaiting = !job.startTime && !job.endTime;
  const text = durationText((job.endTime ? timestampMs(job.endTime) : clock.value) - timestampMs(from));
  return <>{isWaiting ? `${text} in queue` : text}</>;
}

/** When the last event of a running job came. */
export function LastEvent({ atMs }: { readonly atMs: number }) {
  return <>{atMs === 0 ? "–" : agoText(clock.value - atMs)}</>;
}
