import type { ListJobsResponse, WatchJobsResponse } from "#gen/job/v1/job_service_pb.js";
import { follow } from "../connection/follow.ts";
import type { Link } from "../connection/link.ts";
import type { Surroundings } from "../connection/surroundings.ts";
import type { Gateway } from "../transport.ts";
import { changed, emptyJobList, type JobList, listed } from "./job-list.ts";

const pageSize = 200;

/** Where a watch of the list keeps what it hears. */
export interface JobListHolder {
  readonly read: () => JobList;
  readonly write: (list: JobList) => void;
  readonly report: (link: Link) => void;
  /** Hears every message of the stream, where somebody wants them too. */
  readonly heard?: (message: WatchJobsResponse) => void;
}

/** Lists the jobs once, then keeps the list as it changes, over every break, until the signal aborts. */
export function watchJobs(
  jobs: Pick<Gateway["jobs"], "listJobs" | "watchJobs">,
  holder: JobListHolder,
  { around, signal }: { readonly around: Surroundings; readonly signal: AbortSignal },
): Promise<void> {
  let revision: number | undefined;
  async function* open(stop: AbortSignal): AsyncGenerator<ListJobsResponse | WatchJobsResponse> {
    if (revision === undefined) yield await jobs.listJobs({ pageSize }, { signal: stop });
    yield* jobs.watchJobs({ afterRevision: holder.read().revision }, { signal: stop });
  }
  return follow(
    {
      open,
      take: (message) => {
        const isPage = message.$typeName === "blazecraft.job.v1.ListJobsResponse";
        holder.write(isPage ? listed(message) : changed(holder.read(), message));
        revision = holder.read().revision;
        if (!isPage) holder.heard?.(message);
      },
      isComplete: () => false,
      restart: () => {
        revision = undefined;
        holder.write({ ...emptyJobList, loaded: holder.read().loaded, jobs: holder.read().jobs });
      },
      report: holder.report,
    },
    around,
    signal,
  );
}
