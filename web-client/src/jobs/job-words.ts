import type { Job, JobSpec } from "#gen/job/v1/job_pb.js";

/** The title of a job: its name, or the first line of what it does. */
export function jobTitle(job: Job): string {
  return (job.spec && specTitle(job.spec)) || job.id;
}

/** The title a spec gives its job; empty when it says nothing. */
export function specTitle(spec: JobSpec): string {
  if (spec.name) return spec.name;
  const firstLine = workText(spec).trim().split("\n", 1)[0];
  return firstLine ?? "";
}

/** What a job runs, as a person would type it: the command line or the prompt. */
export function workText(spec: JobSpec): string {
  switch (spec.work.case) {
    case "agent":
      return spec.work.value.prompt;
    case "task": {
      const { invocation } = spec.work.value;
      return invocation.case === "argv" ? invocation.value.args.map(quote).join(" ") : (invocation.value ?? "");
    }
    case undefined:
      return "";
  }
}

/** Who does the work, for people. */
export function workerName(spec: JobSpec | undefined): string {
  if (spec?.work.case !== "agent") return "Task";
  return spec.work.value.agent === "claude" ? "Claude Code" : spec.work.value.agent;
}

/** "vm-1 · lane 2", or nothing before a runner holds the job. */
export function placementText(job: Job): string {
  const { placement } = job;
  if (!placement) return "";
  return placement.slot ? `${placement.runner} · lane ${placement.slot}` : placement.runner;
}

function quote(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
