import type { JobSpec } from "#gen/job/v1/job_pb.js";
import { acpExecutor } from "./acp/acp.ts";
import { claudeExecutor } from "./claude/claude.ts";
import type { Executor, ExecutorSettings } from "./executor.ts";
import { taskExecutor } from "./task.ts";

/** Every executor that the operator's settings allow, by name. */
export function listExecutors({ acpAgents = {} }: ExecutorSettings): ReadonlyMap<string, Executor> {
  const agents = Object.entries(acpAgents).map(([name, agent]) => acpExecutor(name, agent));
  return new Map([taskExecutor, claudeExecutor, ...agents].map((executor) => [executor.name, executor]));
}

/** The executor that a job needs, if the operator's settings allow it. */
export function findExecutor(spec: JobSpec, settings: ExecutorSettings): Executor | undefined {
  return listExecutors(settings).get(executorName(spec));
}

/** Name of the executor that a job needs. */
export function executorName({ work }: JobSpec): string {
  return work.case === "agent" ? work.value.agent : "task";
}
