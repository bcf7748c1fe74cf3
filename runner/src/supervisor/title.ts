import type { JobSpec } from "#gen/job/v1/job_pb.js";

/** What a job is called: its name, or else the first line of what it was asked to do. */
export function titleOf({ name, work }: Pick<JobSpec, "name" | "work">): string {
  const [line = ""] = (name || textOf(work)).trim().split("\n");
  return line.length > maxLength ? `${line.slice(0, maxLength - 1).trimEnd()}…` : line;
}

const maxLength = 72;

function textOf(work: JobSpec["work"]): string {
  if (work.case === "agent") return work.value.prompt;
  if (work.case !== "task") return "";
  const { invocation } = work.value;
  return invocation.case === "argv" ? invocation.value.args.join(" ") : (invocation.value ?? "");
}
