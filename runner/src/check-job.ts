import { Code } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { problemError } from "#protocol/problem.ts";
import { parseRepoRef } from "#protocol/repo-ref.ts";
import type { ExecutorStatus } from "./executor/executor.ts";
import { executorName } from "./executor/executors.ts";
import type { JobSettings } from "./supervisor/settings.ts";

type Spec = NonNullable<StartJobRequest["spec"]>;

/** What this runner has for jobs. */
export interface Offer {
  readonly settings: JobSettings;
  /** What was found of each executor. */
  readonly executors: ReadonlyMap<string, Promise<ExecutorStatus>>;
}

/** Refuses what can be known to fail before anything is made for it. */
export async function checkJob({ spec }: StartJobRequest, offer: Offer): Promise<void> {
  if (spec === undefined) return;
  requireRepository(spec, offer);
  await requireExecutor(spec, offer);
  requireMcpServers(spec, offer);
}

function requireRepository(spec: Spec, { settings }: Offer): void {
  const repoRef = parseRepoRef(spec.repoRef, settings.workspace);
  if (repoRef.kind !== "refused") return;
  throw problemError({
    code: Code.InvalidArgument,
    reason: ProblemReason.REPOSITORY_REFUSED,
    field: "spec.repo_ref",
    message: repoRef.reason,
    action: "Give https://host/owner/name[@ref], owner/name[@ref], or a bare name for an empty workspace.",
  });
}

async function requireExecutor(spec: Spec, { executors }: Offer): Promise<void> {
  const name = executorName(spec);
  const status = await executors.get(name);
  if (status?.kind === "usable") return;
  throw problemError({
    code: Code.FailedPrecondition,
    reason: ProblemReason.EXECUTOR_MISSING,
    field: spec.work.case === "agent" ? "spec.agent.agent" : "",
    message: status === undefined ? `this runner has no executor "${name}"` : status.problem,
    action: "Install what is missing on the runner and restart it, or use another runner.",
  });
}

function requireMcpServers({ work }: Spec, { settings }: Offer): void {
  const offered = settings.executors.mcpServers ?? {};
  const wanted = work.case === "agent" ? work.value.mcpServers : [];
  const missing = wanted.find((name) => !Object.hasOwn(offered, name));
  if (missing === undefined) return;
  throw problemError({
    code: Code.FailedPrecondition,
    reason: ProblemReason.NOT_SUPPORTED,
    field: "spec.agent.mcp_servers",
    message: `this runner offers no MCP server "${missing}"`,
    action: "Name servers that GetRunner lists, or have the runner's operator add it to MCP_CONFIG.",
  });
}
