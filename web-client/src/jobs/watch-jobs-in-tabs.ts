import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type WatchJobsResponse, WatchJobsResponseSchema } from "#gen/job/v1/job_service_pb.js";
import type { Surroundings } from "../connection/surroundings.ts";
import type { TabLine } from "../connection/tab-line.ts";
import type { Gateway } from "../transport.ts";
import { type JobListHolder, watchJobs } from "./watch-jobs.ts";

/** What a watch of the list is made with. */
export interface TabWatch {
  readonly around: Surroundings;
  readonly line: TabLine;
  /** False while what this tab hears is not for other tabs: it has a key of its own. */
  readonly mayShare: () => boolean;
  readonly signal: AbortSignal;
}

/**
 * Keeps the list of jobs over one stream for all tabs: the first reads and passes on what it hears. Each of the others
 * lists for itself, then listens; when it hears nothing for so long that a stream would count as broken, it reads for
 * itself from then on. When the first tab goes, another takes over from where its own list stands.
 */
export async function watchJobsInTabs(jobs: Gateway["jobs"], holder: JobListHolder, watch: TabWatch): Promise<void> {
  const { around, line, signal } = watch;
  const pass = (message: WatchJobsResponse) => {
    if (watch.mayShare()) line.post(toBinary(WatchJobsResponseSchema, message));
  };
  if (!(await line.isFirst)) {
    const stop = new AbortController();
    const ended = AbortSignal.any([signal, stop.signal]);
    void line.becomesFirst.then(() => stop.abort());
    await watchJobs(listeningFirst(jobs, line), holder, { around, signal: ended });
  }
  if (!signal.aborted) await watchJobs(jobs, { ...holder, heard: pass }, { around, signal });
}

/** The services, but for the first watch, which listens to another tab; it does so from before the list is read. */
function listeningFirst(jobs: Gateway["jobs"], line: TabLine): Pick<Gateway["jobs"], "listJobs" | "watchJobs"> {
  const heard = new Map<AbortSignal, AsyncIterable<Uint8Array<ArrayBuffer>>>();
  let isFirstWatch = true;
  return {
    listJobs: (request, options) => {
      if (isFirstWatch && options?.signal) heard.set(options.signal, line.listen(options.signal));
      return jobs.listJobs(request, options);
    },
    watchJobs: (request, options) => {
      const messages = options?.signal && heard.get(options.signal);
      heard.clear();
      isFirstWatch = false;
      return messages ? read(messages) : jobs.watchJobs(request, options);
    },
  };
}

async function* read(messages: AsyncIterable<Uint8Array<ArrayBuffer>>): AsyncGenerator<WatchJobsResponse> {
  for await (const bytes of messages) yield fromBinary(WatchJobsResponseSchema, bytes);
}
