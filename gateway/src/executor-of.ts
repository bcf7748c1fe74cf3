import type { JobSpec } from "#gen/job/v1/job_pb.js";

/** Name of the executor a spec needs: "task", or the agent's. */
export function executorOf(spec: JobSpec | undefined): string {
  return spec?.work.case === "agent" ? spec.work.value.agent : "task";
}
