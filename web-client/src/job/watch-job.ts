import type { Job } from "#gen/job/v1/job_pb.js";
import type { WatchJobResponse } from "#gen/job/v1/job_service_pb.js";
import { follow } from "../connection/follow.ts";
import type { Link } from "../connection/link.ts";
import type { Surroundings } from "../connection/surroundings.ts";
import type { Gateway } from "../transport.ts";
import { JobFeed } from "./job-feed.ts";

/** Where a watch of one job keeps what it hears. */
export interface FeedHolder {
  /** Takes the feed whenever something was added to it; a new feed replaces the old one when the gateway forgot it. */
  readonly show: (feed: JobFeed) => void;
  readonly report: (link: Link) => void;
}

/** One job to follow, from where its feed stands. */
export interface WatchedJob {
  readonly jobs: Gateway["jobs"];
  readonly id: string;
  readonly feed: JobFeed;
}

/**
 * Follows one job to its end, over every break, until the signal aborts. Each time the stream is opened the job itself
 * is read first, so that one which ended meanwhile does not stay running.
 */
export function watchJob(
  { jobs, id, feed: held }: WatchedJob,
  holder: FeedHolder,
  { around, signal }: { readonly around: Surroundings; readonly signal: AbortSignal },
): Promise<void> {
  let feed = held;
  async function* open(stop: AbortSignal): AsyncGenerator<Job | WatchJobResponse> {
    const { job } = await jobs.getJob({ id }, { signal: stop });
    if (job) yield job;
    yield* jobs.watchJob({ id, afterSequence: feed.sequence }, { signal: stop });
  }
  return follow(
    {
      open,
      take: (message) => {
        if (message.$typeName === "blazecraft.job.v1.Job") feed.takeSnapshot(message);
        else feed.take(message);
        holder.show(feed);
      },
      isComplete: () => feed.isFinal,
      restart: () => {
        feed = new JobFeed();
      },
      report: holder.report,
    },
    around,
    signal,
  );
}
