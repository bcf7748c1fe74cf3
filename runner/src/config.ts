import { existsSync } from "node:fs";
import { hostname, totalmem } from "node:os";
import { delimiter, resolve } from "node:path";
import { loadEnvFile } from "node:process";
import { fileURLToPath } from "node:url";
import { parseSecrets, type SigningKey } from "#protocol/signature.ts";
import { readAcpAgents } from "./executor/acp/acp-agent.ts";
import type { SessionLimits } from "./job/sessions.ts";
import { type McpServers, mcpSecrets, readMcpServers } from "./mcp-config.ts";
import type { ModelSettings } from "./model-proxy/model-settings.ts";
import { readSecrets } from "./redact-file.ts";
import { parseAddressRange } from "./sandbox/address-rules.ts";
import { expandEgress } from "./sandbox/egress-presets.ts";
import type { EgressSettings } from "./sandbox/egress-settings.ts";
import { defaultUidBase, jobUserCount, type SandboxSettings } from "./sandbox/open-sandbox.ts";
import type { MachineShare } from "./supervisor/bounds.ts";
import type { JobSettings } from "./supervisor/settings.ts";
import { workspaceSettings } from "./workspace-config.ts";

/** Everything that an operator can set. */
export interface Config {
  /** Secrets shared with the gateway, GATEWAY_SECRET; all of them verify. */
  readonly keys: readonly SigningKey[];
  readonly listen: ListenAddress;
  /** Port of the loopback gRPC listener; undefined when there is none. */
  readonly grpcPort: number | undefined;
  /** Absolute. */
  readonly dataDirectory: string;
  readonly runnerName: string;
  readonly labels: readonly string[];
  readonly slots: number;
  readonly sandbox: SandboxSettings;
  readonly logLevel: LogLevel;
  readonly drainTimeoutMs: number;
  /** With less than this free on the disk no new job begins. */
  readonly minFreeDiskBytes: number;
  /** How many agents wait for jobs, started before there are any. */
  readonly warmAgents: number;
  readonly sessions: SessionLimits;
  /** How long artifacts of jobs that nobody deletes are kept. */
  readonly artifactKeepMs: number;
  readonly job: JobSettings;
}

/** Where the runner listens for its gateway. */
export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

type LogLevel = (typeof logLevels)[number];
const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** The configuration of this process: its environment, and what `.env` in its working directory adds to that. */
export async function loadConfig(): Promise<Config> {
  // Does not replace variables that are set.
  if (existsSync(".env")) loadEnvFile(".env");
  return parseConfig(process.env);
}

/** Reads a configuration, or throws one error that names every wrong variable. */
export async function parseConfig(env: Readonly<Record<string, string | undefined>>): Promise<Config> {
  const problems: string[] = [];
  const variables = new Variables(env, problems);
  const keys = await parseSecrets("GATEWAY_SECRET", env.GATEWAY_SECRET ?? "").catch((error: unknown) => {
    problems.push(error instanceof Error ? error.message : String(error));
    return [];
  });
  const minFreeDiskBytes = variables.integer("MIN_FREE_DISK_BYTES", 2 ** 30, 0, 2 ** 50);
  const config: Config = {
    keys,
    listen: listenAddress(variables),
    grpcPort: variables.integer("GRPC_PORT", 0, 0, 65535) || undefined,
    dataDirectory: resolve(variables.text("DATA_DIR", ".blazecraft/runner")),
    runnerName: variables.matching("RUNNER_NAME", defaultName(), /^[a-z0-9][a-z0-9-]{0,63}$/, "1 to 64 of a-z 0-9 -"),
    labels: variables.list("RUNNER_LABELS", labelPattern, "key or key=value"),
    slots: variables.integer("MAX_CONCURRENT_JOBS", 3, 1, 1000),
    sandbox: sandbox(variables),
    logLevel: variables.oneOf("LOG_LEVEL", "info", logLevels),
    drainTimeoutMs: variables.integer("DRAIN_TIMEOUT_MS", 25_000, 0, 86_400_000),
    minFreeDiskBytes,
    sessions: {
      keepMs: variables.integer("SESSION_KEEP_MS", 7 * 86_400_000, 0, 90 * 86_400_000),
      maxKept: variables.integer("MAX_KEPT_SESSIONS", 20, 0, 1000),
    },
    artifactKeepMs: variables.integer("ARTIFACT_KEEP_MS", 30 * 86_400_000, 0, 365 * 86_400_000),
    warmAgents: warmAgents(variables),
    job: jobSettings(variables, minFreeDiskBytes),
  };
  if (problems.length > 0)
    throw new Error(`configuration is wrong:\n${problems.map((line) => `  ${line}`).join("\n")}`);
  return config;
}

const labelPattern = /^[a-z0-9]([a-z0-9._/-]{0,61}[a-z0-9])?(=[A-Za-z0-9._-]{0,63})?$/;

function listenAddress(variables: Variables): ListenAddress {
  const host = variables.text("HOST", "127.0.0.1");
  const port = variables.integer("PORT", 8787, 0, 65535);
  return host.startsWith("unix:") ? { kind: "unix", path: resolve(host.slice(5)) } : { kind: "tcp", host, port };
}

/** Confinement is never left out by oversight. */
function sandbox(variables: Variables): SandboxSettings {
  const kind = variables.oneOf("ISOLATION", "bubblewrap", ["bubblewrap", "none"] as const);
  const uidBase = variables.integer("JOB_UID_BASE", defaultUidBase, 1000, 2 ** 31 - 1 - jobUserCount);
  const readable = variables.list("JOB_READABLE", /^\/[^\0]+$/, "an absolute path");
  return kind === "none" ? { kind } : { kind, uidBase, readable, bounds: machineShare(variables) };
}

/** The jobs of all slots together leave a fifth of the memory to others. */
function machineShare(variables: Variables): MachineShare {
  const slots = variables.integer("MAX_CONCURRENT_JOBS", 3, 1, 1000);
  const memoryBytes = Math.max(2 ** 28, Math.floor((totalmem() * 0.8) / slots));
  return {
    memoryBytes: variables.integer("JOB_MEMORY_BYTES", memoryBytes, 2 ** 26, 2 ** 50),
    maxProcesses: variables.integer("JOB_MAX_PROCESSES", 2048, 16, 1_000_000),
    diskBytes: variables.integer("JOB_DISK_BYTES", 20 * 2 ** 30, 2 ** 20, 2 ** 50),
  };
}

/** An agent that waits has looked for a repository's settings already, and found none. */
function warmAgents(variables: Variables): number {
  const count = variables.integer("WARM_AGENTS", 0, 0, 8);
  if (count === 0) return 0;
  if (variables.optional("ANTHROPIC_API_KEY") === undefined) variables.problem("WARM_AGENTS needs ANTHROPIC_API_KEY");
  if (variables.flag("ALLOW_REPOSITORY_SETTINGS"))
    variables.problem("WARM_AGENTS cannot be used with ALLOW_REPOSITORY_SETTINGS");
  return count;
}

function jobSettings(variables: Variables, minFreeDiskBytes: number): JobSettings {
  const claudePath = variables.optional("CLAUDE_PATH");
  const mcpServers = variables.file("MCP_CONFIG", readMcpServers);
  const acpAgents = variables.file("ACP_AGENTS", readAcpAgents);
  const path = variables.text("JOB_PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  return {
    path,
    taskWallMs: variables.integer("JOB_TIMEOUT_MS", 300_000, 1000, 604_800_000),
    maxLogBytes: variables.integer("MAX_LOG_BYTES", 4 * 2 ** 30, 65_536, 4 * 2 ** 30),
    workspace: workspaceSettings(variables),
    artifacts: {
      maxBytes: variables.integer("MAX_ARTIFACT_BYTES", 2 ** 30, 0, 2 ** 40),
      minFreeBytes: minFreeDiskBytes,
    },
    gitAuthor: gitAuthor(variables),
    executors: {
      searchPath: [variables.text("PATH", ""), ownPrograms].join(delimiter),
      jobPath: path,
      ...(claudePath === undefined ? {} : { claudePath: resolve(claudePath) }),
      ...(mcpServers === undefined ? {} : { mcpServers }),
      allowRepositorySettings: variables.flag("ALLOW_REPOSITORY_SETTINGS"),
      ...(acpAgents === undefined ? {} : { acpAgents }),
    },
    model: modelSettings(variables),
    redact: secretsToHide(variables, mcpServers),
    egress: egressSettings(variables),
    share: machineShare(variables),
  };
}

function egressSettings(variables: Variables): EgressSettings {
  const allowed = variables.items("EGRESS_ALLOW", "git,npm,pypi,crates,go", expandEgress, "a host or a preset");
  return {
    allowed: allowed.flat(),
    mayAllowMore: variables.oneOf("EGRESS_ALLOW_MORE", "true", ["true", "false"] as const) === "true",
    exemptAddresses: variables.items("EGRESS_ALLOW_ADDRESSES", "", parseAddressRange, "a range such as 10.0.0.0/8"),
  };
}

/** What an operator has told the runner and nobody else is to see. */
function secretsToHide(variables: Variables, mcpServers: McpServers = {}): readonly string[] {
  const shared = variables.text("GATEWAY_SECRET", "").split(",");
  const keys = ["ANTHROPIC_API_KEY", "GITHUB_TOKEN", "GITLAB_TOKEN"].map((name) => variables.text(name, ""));
  const others = variables.file("REDACT_FILE", readSecrets) ?? [];
  return [...shared.map((secret) => secret.trim()), ...keys, ...mcpSecrets(mcpServers), ...others];
}

/** Such as "Ana Bell <ana@example.com>". */
function gitAuthor(variables: Variables): JobSettings["gitAuthor"] {
  const pattern = /^([^<>\p{C}]*[^<>\p{C}\s]) <([^<>\p{C}\s]+@[^<>\p{C}\s]+)>$/u;
  const text = variables.matching("GIT_AUTHOR", defaultAuthor, pattern, "a name and an <address>");
  const [, name = "", email = ""] = pattern.exec(text) ?? [];
  return { name, email };
}

/** No mail goes there. */
const defaultAuthor = "BlazeCraft runner <runner@blazecraft.invalid>";

function modelSettings(variables: Variables): ModelSettings {
  const apiKey = variables.optional("ANTHROPIC_API_KEY");
  return {
    ...(apiKey === undefined ? {} : { apiKey }),
    baseUrl: variables.matching(
      "ANTHROPIC_BASE_URL",
      "https://api.anthropic.com",
      /^https?:\/\/[^/?#\s]+[^?#\s]*$/,
      "a URL",
    ),
    silenceMs: variables.integer("MODEL_TIMEOUT_MS", 600_000, 1000, 3_600_000),
    dayBudgetMicros: variables.dollars("DAY_BUDGET_USD"),
  };
}

const ownPrograms = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));

function defaultName(): string {
  return (
    hostname()
      .toLowerCase()
      .replace(/[^a-z0-9-]/g, "-")
      .replace(/^-+/, "")
      .slice(0, 64) || "runner"
  );
}

/** Reads variables and collects what is wrong with them; an empty one counts as absent. */
export class Variables {
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #problems: string[];

  constructor(env: Readonly<Record<string, string | undefined>>, problems: string[]) {
    this.#env = env;
    this.#problems = problems;
  }

  optional(name: string): string | undefined {
    return this.#env[name] || undefined;
  }

  /** Says what is wrong about several of them. */
  problem(fact: string): void {
    this.#problems.push(fact);
  }

  text(name: string, fallback: string): string {
    return this.optional(name) ?? fallback;
  }

  matching(name: string, fallback: string, pattern: RegExp, hint: string): string {
    const value = this.text(name, fallback);
    if (!pattern.test(value)) this.#problems.push(`${name} is "${value}", not ${hint}`);
    return value;
  }

  list(name: string, pattern: RegExp, hint: string): readonly string[] {
    return this.items(name, "", (item) => (pattern.test(item) ? item : undefined), hint);
  }

  /** What a parser makes of the items, which commas separate. */
  items<Value>(
    name: string,
    fallback: string,
    parse: (item: string) => Value | undefined,
    hint: string,
  ): readonly Value[] {
    const items = this.text(name, fallback)
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
    return items.flatMap((item) => {
      const value = parse(item);
      if (value === undefined) this.#problems.push(`${name} holds "${item}", not ${hint}`);
      return value === undefined ? [] : [value];
    });
  }

  integer(name: string, fallback: number, min: number, max: number): number {
    const text = this.text(name, String(fallback));
    const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    this.#problems.push(`${name} is "${text}", not a whole number from ${min} to ${max}`);
    return fallback;
  }

  flag(name: string): boolean {
    return this.oneOf(name, "false", ["true", "false"] as const) === "true";
  }

  /** What a reader makes of the file that the variable names. */
  file<Value>(name: string, read: (path: string) => Value): Value | undefined {
    const path = this.optional(name);
    if (path === undefined) return undefined;
    try {
      return read(path);
    } catch (error) {
      this.#problems.push(`${name} is "${path}": ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  /** An amount in millionths; 0 when there is none. */
  dollars(name: string): number {
    const text = this.text(name, "");
    if (text === "") return 0;
    const micros = /^\d{1,9}(\.\d{1,6})?$/.test(text) ? Math.round(Number(text) * 1e6) : 0;
    if (micros === 0) this.#problems.push(`${name} is "${text}", not dollars such as 25 or 2.50`);
    return micros;
  }

  oneOf<Value extends string>(
    name: string,
    fallback: Value,
    values: readonly [Value, ...Value[]],
    hint = `must be one of ${values.join(", ")}`,
  ): Value {
    const text = this.optional(name) ?? fallback;
    const value = values.find((known) => known === text);
    if (value === undefined) this.#problems.push(`${name} ${hint}`);
    return value ?? values[0];
  }
}
