import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { parseRepoRef } from "#protocol/repo-ref.ts";
import { findExecutor } from "../executor/executors.ts";
import type { JobSettings } from "../supervisor/settings.ts";

/** The agent that is started ahead. */
export const warmAgentName = "claude";

/**
 * Whether a job can use an agent that was started before it. One on a repository cannot: an agent looks at its workspace
 * when it starts, and would take what was empty then for no repository.
 */
export function canUseWarmAgent({ spec, continues }: StartJobRequest, settings: JobSettings): boolean {
  if (spec?.work.case !== "agent" || spec.work.value.agent !== warmAgentName || continues !== "") return false;
  const isScratch = parseRepoRef(spec.repoRef, settings.workspace).kind === "scratch";
  return isScratch && findExecutor(spec, settings.executors)?.early?.serves(spec, settings.executors) === true;
}
