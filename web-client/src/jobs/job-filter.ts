import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { JobState } from "#gen/job/v1/job_pb.js";
import { type ListJobsRequest, ListJobsRequestSchema } from "#gen/job/v1/job_service_pb.js";

/** Which jobs to list, as the address says it: `/jobs?status=failed&q=lint`. Empty fields filter nothing. */
export interface JobFilter {
  /** Names of states, separated by commas. */
  readonly status: string;
  /** "task", or the name of an agent. */
  readonly type: string;
  readonly runner: string;
  /** "key" or "key=value". */
  readonly label: string;
  /** Part of the name, the repository, the command or the prompt. */
  readonly q: string;
  /** A moment in time; only jobs that were created before it. */
  readonly before: string;
}

/** The states that can be asked for, by the names that addresses and the REST interface give them. */
export const stateNames: ReadonlyMap<string, JobState> = new Map([
  ["pending", JobState.PENDING],
  ["running", JobState.RUNNING],
  ["waiting", JobState.WAITING],
  ["succeeded", JobState.SUCCEEDED],
  ["failed", JobState.FAILED],
  ["canceled", JobState.CANCELED],
  ["timed_out", JobState.TIMED_OUT],
]);

/** A filter that lets every job through. */
export const noFilter: JobFilter = { status: "", type: "", runner: "", label: "", q: "", before: "" };

/** The filter that an address asks for. */
export function parseJobFilter(query: URLSearchParams): JobFilter {
  const entries = Object.keys(noFilter).map((field) => [field, query.get(field) ?? ""]);
  return { ...noFilter, ...Object.fromEntries(entries) };
}

/** The address of the list under a filter. */
export function jobListPath(filter: JobFilter): string {
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== ""));
  return query.size > 0 ? `/jobs?${query}` : "/jobs";
}

/** True when the filter lets every job through. */
export function isEmptyFilter(filter: JobFilter): boolean {
  return jobListPath(filter) === "/jobs";
}

/** The call that lists what a filter lets through. What the address says wrong filters nothing. */
export function requestFor(filter: JobFilter, page: { pageSize: number; pageToken: string }): ListJobsRequest {
  const { status, type, runner, label, q: query, before } = filter;
  const beforeMs = Date.parse(before);
  return create(ListJobsRequestSchema, {
    ...page,
    states: status.split(",").flatMap((name) => stateNames.get(name) ?? []),
    type,
    runner,
    labels: label ? [label] : [],
    query,
    ...(Number.isNaN(beforeMs) ? {} : { createdBefore: timestampFromMs(beforeMs) }),
  });
}
