import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Job, JobState } from "#gen/job/v1/job_pb.js";
import type { ListJobsResponse, WatchJobsResponse } from "#gen/job/v1/job_service_pb.js";
import { isFinal } from "./job-state.ts";

/** The newest jobs as the page knows them, and the place in the list's history up to which that holds. */
export interface JobList {
  /** False until the first answer: nothing is known, which is not the same as no jobs. */
  readonly loaded: boolean;
  readonly revision: number;
  /** Newest first. */
  readonly jobs: readonly Job[];
}

/** Most jobs held; the rest of the history is a page of its own. */
const maxHeld = 200;

/** The list before anything was heard. */
export const emptyJobList: JobList = { loaded: false, revision: 0, jobs: [] };

/** The list as the gateway answered it, in place of whatever was held. */
export function listed(response: ListJobsResponse): JobList {
  return { loaded: true, revision: response.revision, jobs: newestFirst(response.jobs) };
}

/** The list after one message of WatchJobs. A change that is older than what is held changes nothing but the revision. */
export function changed(list: JobList, { message, revision }: WatchJobsResponse): JobList {
  const next = { ...list, revision: Math.max(list.revision, revision) };
  switch (message.case) {
    case "job":
      return { ...next, jobs: withJob(list.jobs, message.value) };
    case "deletedId":
      return { ...next, jobs: list.jobs.filter((job) => job.id !== message.value) };
    default:
      return next;
  }
}

/** The list with a job that was read elsewhere, such as the answer to a create. */
export function withKnownJob(list: JobList, job: Job): JobList {
  return { ...list, jobs: withJob(list.jobs, job) };
}

/** The newer of two readings of one job. */
export function newerJob(held: Job, read: Job): Job {
  if (read.revision !== held.revision) return read.revision > held.revision ? read : held;
  return read.newestSequence >= held.newestSequence ? read : held;
}

/** How many jobs wait in the queue, and how many asks wait for a person. */
export function countWaiting(jobs: readonly Job[]): { readonly queued: number; readonly needsYou: number } {
  return {
    queued: jobs.filter((job) => job.status?.state === JobState.PENDING).length,
    needsYou: jobs.reduce((sum, job) => sum + job.openAsks, 0),
  };
}

/** How many jobs a runner holds. */
export function countHeld(jobs: readonly Job[]): number {
  return jobs.filter(({ status }) => status?.state === JobState.RUNNING || status?.state === JobState.WAITING).length;
}

function withJob(jobs: readonly Job[], read: Job): readonly Job[] {
  const at = jobs.findIndex((job) => job.id === read.id);
  const held = jobs[at];
  return held ? jobs.with(at, newerJob(held, read)) : newestFirst([read, ...jobs]);
}

/** Jobs that are not over stay held however old they are. */
function newestFirst(jobs: readonly Job[]): readonly Job[] {
  const sorted = jobs.toSorted((a, b) => createdMs(b) - createdMs(a));
  return sorted.filter((job, index) => index < maxHeld || !isFinal(job.status?.state ?? JobState.UNSPECIFIED));
}

function createdMs(job: Job): number {
  return job.createTime ? timestampMs(job.createTime) : 0;
}
