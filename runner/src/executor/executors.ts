import type { JobSpec } from "#gen/job/v1/job_pb.js";
import { claudeExecutor } from "./claude/claude.ts";
import type { Executor } from "./executor.ts";
import { taskExecutor } from "./task.ts";

/** Every executor by name. */
export const executors: ReadonlyMap<string, Executor> = new Map(
  [taskExecutor, claudeExecutor].map((executor) => [executor.name, executor]),
);

/** Name of the executor that a job needs. */
export function executorName({ work }: JobSpec): string {
  return work.case === "agent" ? work.value.agent : "task";
}
