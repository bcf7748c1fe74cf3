import { effect, type ReadonlySignal, signal } from "@preact/signals";
import type { Job } from "#gen/job/v1/job_pb.js";
import type { Link } from "../connection/link.ts";
import type { Surroundings } from "../connection/surroundings.ts";
import type { Gateway } from "../transport.ts";
import { emptyJobList, type JobList, withKnownJob } from "./job-list.ts";
import { isFinal, wordsForStatus } from "./job-state.ts";
import { jobTitle } from "./job-words.ts";
import { watchJobs } from "./watch-jobs.ts";
import { type TabWatch, watchJobsInTabs } from "./watch-jobs-in-tabs.ts";

/** The list of jobs on this page, live. */
export interface JobStore {
  readonly list: ReadonlySignal<JobList>;
  readonly link: ReadonlySignal<Link>;
  /** Takes a job that another call answered, so that it shows before the stream tells of it. */
  readonly learn: (job: Job) => void;
}

/** How the stream of the list is shared with other tabs. */
export type TabSharing = Pick<TabWatch, "line" | "mayShare">;

/** Watches the list for as long as the page lives. */
export function createJobStore(jobs: Gateway["jobs"], around: Surroundings, tabs: TabSharing | undefined): JobStore {
  const list = signal<JobList>(emptyJobList);
  const link = signal<Link>({ kind: "connecting" });
  const holder = {
    read: () => list.peek(),
    write: (next: JobList) => {
      list.value = next;
    },
    report: (next: Link) => {
      link.value = next;
    },
  };
  const { signal: forever } = new AbortController();
  if (tabs) void watchJobsInTabs(jobs, holder, { around, ...tabs, signal: forever });
  else void watchJobs(jobs, holder, { around, signal: forever });
  return {
    list,
    link,
    learn: (job) => {
      list.value = withKnownJob(list.peek(), job);
    },
  };
}

/** Says which jobs became final while the page was watching: "lint succeeded", "test failed". */
export function announceEnds({ list }: JobStore, say: (text: string) => void): void {
  let running = new Set<string>();
  effect(() => {
    const { jobs } = list.value;
    const unfinished = new Set<string>();
    for (const job of jobs) {
      const state = job.status?.state;
      if (!state) continue;
      if (!isFinal(state)) unfinished.add(job.id);
      else if (running.has(job.id)) say(`${jobTitle(job)} ${wordsForStatus(job.status).word}`);
    }
    running = unfinished;
  });
}
