import type { AgentWork, JobLimits, PermissionMode } from "#gen/job/v1/job_pb.js";
import type { AttachedFiles, ExecutorSettings } from "../executor.ts";
import { cliModeName } from "./permission-mode.ts";

/** What Claude Code is started for. */
export interface ClaudeStart {
  readonly work: AgentWork;
  readonly limits: JobLimits | undefined;
  /** Id of the session that begins. */
  readonly sessionId: string;
  /** Id of the session that goes on instead. */
  readonly resumes: string | undefined;
  readonly attachments: AttachedFiles | undefined;
  /** The file of its MCP servers. */
  readonly mcpFile: string | undefined;
  readonly allowRepositorySettings: boolean;
  readonly permissionMode: PermissionMode;
}

/**
 * The arguments of Claude Code: lines of JSON both ways, and of all settings only the user's unless the operator allows
 * more, so that a repository can neither run hooks nor move the agent to another model. Its MCP servers are never started.
 * A value stands in one argument with its name, so that it is never taken for an option.
 */
export function claudeArguments(start: ClaudeStart): readonly string[] {
  const { work, limits, sessionId, resumes, permissionMode, attachments, mcpFile, allowRepositorySettings } = start;
  const { maxTurns = 0, budgetMicros = 0n } = limits ?? {};
  return [
    "-p",
    "--verbose",
    "--input-format=stream-json",
    "--output-format=stream-json",
    "--include-partial-messages",
    "--forward-subagent-text",
    "--permission-prompt-tool=stdio",
    "--include-hook-events",
    `--setting-sources=${allowRepositorySettings ? "user,project" : "user"}`,
    "--strict-mcp-config",
    ...optional("--mcp-config", mcpFile ?? ""),
    resumes === undefined ? `--session-id=${sessionId}` : `--resume=${resumes}`,
    `--permission-mode=${cliModeName(permissionMode)}`,
    // Leaves it possible to loosen the mode while the agent works.
    "--allow-dangerously-skip-permissions",
    ...optional("--model", work.model),
    ...optional("--effort", work.effort),
    ...optional("--append-system-prompt", work.appendSystemPrompt),
    ...optional("--add-dir", attachments?.directory ?? ""),
    ...work.allowedTools.map((rule) => `--allowed-tools=${rule}`),
    ...work.deniedTools.map((rule) => `--disallowed-tools=${rule}`),
    ...(maxTurns === 0 ? [] : [`--max-turns=${maxTurns}`]),
    ...(budgetMicros === 0n ? [] : [`--max-budget-usd=${(Number(budgetMicros) / 1e6).toFixed(6)}`]),
  ];
}

/** What the environment of Claude Code depends on. */
export interface ClaudeSurroundings {
  readonly settings: ExecutorSettings & { readonly anthropicApiKey: string };
  readonly tmp: string;
  readonly isRoot: boolean;
}

/** The environment of Claude Code. Until a proxy adds the key to its requests, the agent and its commands can read it. */
export function claudeEnvironment({ settings, tmp, isRoot }: ClaudeSurroundings): Record<string, string> {
  const { anthropicApiKey, anthropicBaseUrl } = settings;
  return {
    ANTHROPIC_API_KEY: anthropicApiKey,
    ...(anthropicBaseUrl === undefined ? {} : { ANTHROPIC_BASE_URL: anthropicBaseUrl }),
    CLAUDE_CODE_TMPDIR: tmp,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    // A shell in the background would keep the program alive after its answer.
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1",
    CLAUDE_CODE_STARTUP_FAILURE_RESULTS: "1",
    // The to-do list of the tool that is given it whole.
    CLAUDE_CODE_ENABLE_TODO_TOOLS: "1",
    CLAUDE_CODE_ENABLE_TASKS: "0",
    // Root may leave permissions out only where it says that this is a sandbox.
    ...(isRoot ? { IS_SANDBOX: "1" } : {}),
  };
}

function optional(name: string, value: string): readonly string[] {
  return value === "" ? [] : [`${name}=${value}`];
}
