/** How Jobs are indexed, searched and paged. Pure. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Job, JobSpec } from "#gen/job/v1/job_pb.js";
import type { ListJobsRequest } from "#gen/job/v1/job_service_pb.js";
import { parsePageToken } from "../page-token.ts";

/** Characters of a command or prompt that lists show and search looks into. */
const listedTextLength = 1024;

/** The command, argument vector or prompt of a spec as one text. */
export function textOf(spec: JobSpec | undefined): string {
  if (spec?.work.case === "agent") return spec.work.value.prompt;
  const invocation = spec?.work.value?.invocation;
  return invocation?.case === "argv" ? invocation.value.args.join(" ") : (invocation?.value ?? "");
}

/** A Job as lists carry it: long commands and prompts are cut, the environment is left out. */
export function listShape(job: Job): Job {
  const { spec } = job;
  return spec === undefined ? job : { ...job, spec: { ...spec, env: {}, work: listedWork(spec.work) } };
}

/** What the index searches of a Job. */
export function searchText(job: Job): { readonly labels: string; readonly text: string } {
  const { spec } = job;
  const labels = Object.entries(spec?.labels ?? {}).map(([key, value]) => `\n${key}=${value}`);
  const text = [job.id, spec?.name, spec?.repoRef, textOf(spec).slice(0, listedTextLength)].join("\n").toLowerCase();
  return { labels: `${labels.join("")}\n`, text };
}

/** The condition that a ListJobsRequest's filters and page token make. The token must be one of ours. */
export function listQuery(request: ListJobsRequest): {
  readonly where: string;
  readonly values: readonly (string | number)[];
} {
  const conditions: { sql: string; values: (string | number)[] }[] = [{ sql: "1", values: [] }];
  const add = (sql: string, ...values: (string | number)[]) => conditions.push({ sql, values });
  if (request.states.length > 0) add(`state IN (SELECT value FROM json_each(?))`, JSON.stringify(request.states));
  if (request.type !== "") add("type = ?", request.type);
  if (request.runner !== "") add("runner = ?", request.runner);
  for (const label of request.labels) add("instr(labels, ?)", `\n${label}${label.includes("=") ? "\n" : "="}`);
  if (request.query !== "") add("instr(search, ?)", request.query.toLowerCase());
  if (request.createdAfter !== undefined) add("created_ms >= ?", timestampMs(request.createdAfter));
  if (request.createdBefore !== undefined) add("created_ms < ?", timestampMs(request.createdBefore));
  if (request.pageToken !== "") {
    const { createdMs, id } = parsePageToken(request.pageToken, "job");
    add("(created_ms, id) < (?, ?)", createdMs, id);
  }
  return { where: conditions.map(({ sql }) => sql).join(" AND "), values: conditions.flatMap(({ values }) => values) };
}

function listedWork(work: JobSpec["work"]): JobSpec["work"] {
  if (work.case === "agent") {
    return { case: "agent", value: { ...work.value, prompt: cut(work.value.prompt), appendSystemPrompt: "" } };
  }
  if (work.case !== "task") return work;
  const { invocation } = work.value;
  if (invocation.case === "command") {
    return { case: "task", value: { ...work.value, invocation: { case: "command", value: cut(invocation.value) } } };
  }
  if (invocation.case !== "argv") return work;
  const args = invocation.value.args.slice(0, 16).map(cut);
  return { case: "task", value: { ...work.value, invocation: { case: "argv", value: { ...invocation.value, args } } } };
}

function cut(text: string): string {
  return text.length <= listedTextLength ? text : `${text.slice(0, listedTextLength - 1)}…`;
}
