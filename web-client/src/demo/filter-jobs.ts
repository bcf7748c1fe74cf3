import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Job } from "#gen/job/v1/job_pb.js";
import type { ListJobsRequest } from "#gen/job/v1/job_service_pb.js";
import { workText } from "../jobs/job-words.ts";

/** The jobs that a request asks for, newest first, as the gateway would choose them. */
export function filterJobs(jobs: Iterable<Job>, request: ListJobsRequest): readonly Job[] {
  return [...jobs].filter((job) => matches(job, request)).toSorted((a, b) => createdMs(b) - createdMs(a));
}

function matches(job: Job, { states, type, runner, labels, query, createdBefore }: ListJobsRequest): boolean {
  const { spec, status, placement } = job;
  if (!spec || !status) return false;
  const worker = spec.work.case === "agent" ? spec.work.value.agent : "task";
  const text = [job.id, spec.name, spec.repoRef, workText(spec)].join("\n").toLowerCase();
  return (
    (states.length === 0 || states.includes(status.state)) &&
    (type === "" || type === worker) &&
    (runner === "" || placement?.runner === runner) &&
    labels.every((label) => hasLabel(spec.labels, label)) &&
    text.includes(query.toLowerCase()) &&
    (!createdBefore || createdMs(job) < timestampMs(createdBefore))
  );
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const [key = "", value] = wanted.split("=", 2);
  return value === undefined ? key in labels : labels[key] === value;
}

function createdMs({ createTime }: Job): number {
  return createTime ? timestampMs(createTime) : 0;
}
