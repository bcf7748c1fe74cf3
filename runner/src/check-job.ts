import { Code, type ConnectError } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { problemError } from "#protocol/problem.ts";
import { requireRepository } from "./check-repository.ts";
import type { ExecutorStatus } from "./executor/executor.ts";
import { executorName } from "./executor/executors.ts";
import { parseHostRule } from "./sandbox/host-rule.ts";
import type { SelfTest } from "./sandbox/self-test.ts";
import type { JobSettings } from "./supervisor/settings.ts";
import type { GitStatus } from "./workspace/git-version.ts";

type Spec = NonNullable<StartJobRequest["spec"]>;

/** What this runner has for jobs. */
export interface Offer {
  readonly settings: JobSettings;
  /** What was found of each executor. */
  readonly executors: ReadonlyMap<string, Promise<ExecutorStatus>>;
  readonly git: Promise<GitStatus>;
  /** What was found of the walls around jobs. */
  readonly confinement: Promise<SelfTest>;
}

/** Refuses what can be known to fail before anything is made for it. */
export async function checkJob({ spec }: StartJobRequest, offer: Offer): Promise<void> {
  if (spec === undefined) return;
  await requireWalls(offer);
  await requireRepository(spec, { settings: offer.settings.workspace, git: offer.git });
  await requireExecutor(spec, offer);
  requireMcpServers(spec, offer);
  requireHosts(spec, offer);
}

/** Refuses what names no host, though it looks like one: an address, or all of a top-level domain. */
export function noHost(field: string, text: string): ConnectError {
  return problemError({
    code: Code.InvalidArgument,
    reason: ProblemReason.INVALID_FIELD,
    field,
    message: `"${text}" names no host`,
    action: 'Give "host", "*.host.example", or either with ":port"; addresses cannot be allowed.',
  });
}

async function requireWalls({ confinement }: Offer): Promise<void> {
  const { problem } = await confinement;
  if (problem === "") return;
  throw problemError({
    code: Code.FailedPrecondition,
    reason: ProblemReason.NOT_ISOLATED,
    message: problem,
    action: "Have the runner's operator restore what is missing and restart it, or use another runner.",
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

function requireHosts({ allowedHosts }: Spec, { settings }: Offer): void {
  const wrong = allowedHosts.findIndex((host) => parseHostRule(host) === undefined);
  if (wrong >= 0) throw noHost(`spec.allowed_hosts[${wrong}]`, String(allowedHosts[wrong]));
  if (allowedHosts.length === 0 || settings.egress.mayAllowMore) return;
  throw problemError({
    code: Code.FailedPrecondition,
    reason: ProblemReason.NOT_SUPPORTED,
    field: "spec.allowed_hosts",
    message: "this runner's operator lets no job reach more hosts than GetRunner lists",
    action: "Leave it out, or have the operator add the hosts to EGRESS_ALLOW.",
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
