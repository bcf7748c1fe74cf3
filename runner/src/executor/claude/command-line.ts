import type { AgentWork, JobLimits, PermissionMode } from "#gen/job/v1/job_pb.js";
import type { AttachedFiles, ModelAddress } from "../executor.ts";
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
  const { maxTurns = 0 } = limits ?? {};
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
  ];
}

/** What the environment of Claude Code depends on. */
export interface ClaudeSurroundings {
  /** Where its model is, and what it gives as its key. */
  readonly model: { readonly address: ModelAddress; readonly token: string };
  readonly tmp: string;
  readonly isRoot: boolean;
}

/** The environment of Claude Code. */
export function claudeEnvironment({ model, tmp, isRoot }: ClaudeSurroundings): Record<string, string> {
  return {
    ...modelEnvironment(model),
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

/** The model's proxy is the one that is patient, tries again and gives up. */
function modelEnvironment({ address, token }: ClaudeSurroundings["model"]): Record<string, string> {
  const place =
    address.kind === "socket"
      ? { ANTHROPIC_UNIX_SOCKET: address.path, ANTHROPIC_BASE_URL: "http://model" }
      : { ANTHROPIC_BASE_URL: address.url };
  return {
    ...place,
    ANTHROPIC_API_KEY: token,
    // The longest timer there is.
    API_TIMEOUT_MS: String(2 ** 31 - 1),
    // For streams that break off.
    CLAUDE_CODE_MAX_RETRIES: "3",
  };
}

/** What Claude Code has to reach for its model. */
export function modelFiles(address: ModelAddress): readonly string[] {
  return address.kind === "socket" ? [address.path] : [];
}

function optional(name: string, value: string): readonly string[] {
  return value === "" ? [] : [`${name}=${value}`];
}
