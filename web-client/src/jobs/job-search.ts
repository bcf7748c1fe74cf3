import { ConnectError } from "@connectrpc/connect";
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Job } from "#gen/job/v1/job_pb.js";
import type { Gateway } from "../transport.ts";
import { asSentence } from "../ui/sentence.ts";
import { type JobFilter, jobListPath, noFilter, requestFor } from "./job-filter.ts";

const pageSize = 50;

/** Jobs found under a filter. */
export interface JobSearch {
  readonly filter: JobFilter;
  /** Undefined until the first answer. Those of the filter before stay until then. */
  readonly jobs: readonly Job[] | undefined;
  readonly nextPageToken: string;
  /** Why the last call failed; empty when it did not. */
  readonly failure: string;
}

/** Finds jobs in the whole history. */
export interface JobSearchStore {
  readonly found: ReadonlySignal<JobSearch>;
  /** Reads the first page under a filter. */
  readonly show: (filter: JobFilter) => void;
  /** Reads one page more. */
  readonly more: () => void;
}

/** Reads when asked; of several calls under way, the last one counts. */
export function createJobSearch(jobs: Gateway["jobs"]): JobSearchStore {
  const found = signal<JobSearch>({ filter: noFilter, jobs: undefined, nextPageToken: "", failure: "" });
  let newest = 0;
  const read = async (filter: JobFilter, pageToken: string) => {
    const mine = ++newest;
    try {
      const page = await jobs.listJobs(requestFor(filter, { pageSize, pageToken }));
      if (mine !== newest) return;
      const before = pageToken ? (found.peek().jobs ?? []) : [];
      found.value = { filter, jobs: [...before, ...page.jobs], nextPageToken: page.nextPageToken, failure: "" };
    } catch (error) {
      if (mine === newest) found.value = { ...found.peek(), failure: asSentence(ConnectError.from(error).rawMessage) };
    }
  };
  return {
    found,
    show: (filter) => {
      const held = found.peek();
      if (jobListPath(held.filter) !== jobListPath(filter)) found.value = { ...held, filter };
      void read(filter, "");
    },
    more: () => void read(found.peek().filter, found.peek().nextPageToken),
  };
}
