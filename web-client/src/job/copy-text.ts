import { toJson } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { type Job, JobSchema, type JobSpec, PermissionMode } from "#gen/job/v1/job_pb.js";
import { jobTitle, workText } from "../jobs/job-words.ts";
import { modeTitle } from "../jobs/permission-modes.ts";
import { statusSentence } from "../jobs/status-sentence.ts";
import { dollarsText } from "../ui/dollars.ts";
import type { JobFeed } from "./job-feed.ts";

const lastLines = 20;

/** The command line that makes the same job again. */
export function commandFor(spec: JobSpec): string {
  const { work, repoRef, name, limits } = spec;
  const flags = [
    `--repo ${quote(repoRef)}`,
    ...(name ? [`--name ${quote(name)}`] : []),
    ...(limits?.wall ? [`--timeout ${durationMs(limits.wall) / 1_000}s`] : []),
    ...(limits?.budgetMicros ? [`--budget-usd ${dollarsText(limits.budgetMicros)}`] : []),
    ...(limits?.maxTurns ? [`--max-turns ${limits.maxTurns}`] : []),
  ];
  if (work.case === "agent") {
    const { permissionMode, model } = work.value;
    if (permissionMode > PermissionMode.ASK)
      flags.push(`--permission-mode ${modeTitle(permissionMode).replace(" ", "-")}`);
    if (model) flags.push(`--model ${quote(model)}`);
    return `npx blazecraft agent ${flags.join(" ")} ${quote(work.value.prompt)}`;
  }
  const isArgv = work.case === "task" && work.value.invocation.case === "argv";
  return `npx blazecraft run ${flags.join(" ")} -- ${isArgv ? workText(spec) : `sh -c ${quote(workText(spec))}`}`;
}

/** The call of the REST interface that makes the same job again. A key, if the gateway wants one, is left to be put in. */
export function curlFor(spec: JobSpec, origin: string): string {
  const { work, repoRef, name, limits } = spec;
  const isAgent = work.case === "agent";
  const body = {
    type: isAgent ? work.value.agent : "task",
    repo_ref: repoRef,
    [isAgent ? "prompt" : "command"]: workText(spec),
    ...(name && { name }),
    ...(limits?.wall && { timeout_ms: durationMs(limits.wall) }),
  };
  return `curl -sS -X POST ${origin}/api/jobs -H 'Content-Type: application/json' -d ${quote(JSON.stringify(body))}`;
}

/** What somebody who should find out why a job failed needs to see. Variables of the job are left out. */
export function debugBundle(job: Job, feed: JobFeed): string {
  const lines = feed.log.rows.slice(-lastLines).map(({ text }) => text);
  const { spec } = job;
  const told = { ...job, ...(spec && { spec: { ...spec, env: {} } }) };
  return [
    `# ${jobTitle(job)}: ${statusSentence(job)}`,
    "",
    "## Last lines",
    "",
    ...lines.map((line) => `    ${line}`),
    "",
    "## Job",
    "",
    JSON.stringify(toJson(JobSchema, told), undefined, 2),
    "",
  ].join("\n");
}

function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
