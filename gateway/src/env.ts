import { type ApiKey, parseApiKeys } from "#protocol/api-key.ts";
import { parseSecrets, type SigningKey } from "#protocol/signature.ts";
import type { AttachmentObject } from "./attachment/attachment-object.ts";
import { isLoopback } from "./auth/loopback.ts";
import type { FleetObject } from "./fleet/fleet-object.ts";
import type { JobObject } from "./job/job-object.ts";

/** What the runtime hands to the Worker and its Durable Objects: bindings, variables and secrets. */
export interface Env {
  readonly JOB: DurableObjectNamespace<JobObject>;
  readonly FLEET: DurableObjectNamespace<FleetObject>;
  readonly ATTACHMENT: DurableObjectNamespace<AttachmentObject>;
  /** The built web client. Absent where it is not served. */
  readonly ASSETS?: Fetcher;
  /** Comma-separated secrets shared with the runners: the first signs. */
  readonly RUNNER_SECRET?: string;
  /** The first runner: "https://host[:port]", or "http://" on loopback. */
  readonly RUNNER_URL?: string;
  /** See protocol/api-key.ts. */
  readonly API_KEYS?: string;
  /** Cloudflare Access: "<team>.cloudflareaccess.com", and the audience tag of the application. Both or neither. */
  readonly ACCESS_TEAM_DOMAIN?: string;
  readonly ACCESS_AUDIENCE?: string;
  /** Origins of web pages elsewhere that may call, separated by commas or spaces. */
  readonly ALLOWED_ORIGINS?: string;
  /** Hosts this gateway answers for, "host" or "host:port". Empty: every host that Cloudflare routes to it. */
  readonly ALLOWED_HOSTS?: string;
  /** "1" opens the gateway to callers on loopback. Set by `npm start` alone. */
  readonly LOCAL_DEV?: string;
}

/** The variables and secrets, read and checked. */
export interface Settings {
  /** Absent while no secret is set: no runner can then be called. */
  readonly runnerKeys: readonly [SigningKey, ...SigningKey[]] | undefined;
  /** Without a slash at its end. */
  readonly runnerUrl: string | undefined;
  readonly apiKeys: readonly ApiKey[];
  readonly access: { readonly issuer: string; readonly audience: string } | undefined;
  readonly allowedOrigins: readonly string[];
  readonly allowedHosts: readonly string[];
  readonly localDev: boolean;
}

/** Settings of an Env, parsed once per isolate. Rejects with one error that names every wrong variable. */
export function parseSettings(env: Env): Promise<Settings> {
  const parsed = settingsByEnv.get(env) ?? readSettings(env);
  settingsByEnv.set(env, parsed);
  return parsed;
}

const settingsByEnv = new WeakMap<Env, Promise<Settings>>();

async function readSettings(env: Env): Promise<Settings> {
  const wrong: string[] = [];
  const read = variableReader(env, wrong);
  const issuer = read("ACCESS_TEAM_DOMAIN", parseTeamDomain);
  const audience = read("ACCESS_AUDIENCE", (text) => text);
  const settings: Settings = {
    runnerKeys: await readSecrets(env, wrong),
    runnerUrl: read("RUNNER_URL", parseRunnerUrl),
    apiKeys: read("API_KEYS", parseApiKeys) ?? [],
    access: issuer === undefined || audience === undefined ? undefined : { issuer, audience },
    allowedOrigins: read("ALLOWED_ORIGINS", (text) => splitList(text).map(parseOrigin)) ?? [],
    allowedHosts: read("ALLOWED_HOSTS", (text) => splitList(text).map(parseHost)) ?? [],
    localDev: read("LOCAL_DEV", parseSwitch) ?? false,
  };
  if (env.RUNNER_URL && !env.RUNNER_SECRET) wrong.push("RUNNER_SECRET is needed with RUNNER_URL");
  if (Boolean(env.ACCESS_TEAM_DOMAIN) !== Boolean(env.ACCESS_AUDIENCE)) {
    wrong.push("ACCESS_TEAM_DOMAIN and ACCESS_AUDIENCE are needed together");
  }
  if (wrong.length > 0) throw new Error(`the gateway is misconfigured: ${wrong.join("; ")}`);
  return settings;
}

async function readSecrets({ RUNNER_SECRET: list }: Env, wrong: string[]): Promise<Settings["runnerKeys"]> {
  if (!list) return undefined;
  try {
    return await parseSecrets("RUNNER_SECRET", list);
  } catch (error) {
    wrong.push(messageOf(error));
    return undefined;
  }
}

/** Parses a variable when it is set; what is wrong with it is noted. */
function variableReader(env: Env, wrong: string[]) {
  return <Value>(variable: keyof Env, parse: (text: string) => Value): Value | undefined => {
    const text = env[variable];
    if (typeof text !== "string" || text.trim() === "") return undefined;
    try {
      return parse(text.trim());
    } catch (error) {
      wrong.push(`${variable}: ${messageOf(error)}`);
      return undefined;
    }
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function splitList(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((item) => item !== "");
}

function parseRunnerUrl(text: string): string {
  const url = new URL(text);
  const isSafe = url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
  if (!isSafe) throw new Error('must be "https://host", or "http://" on loopback');
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") {
    throw new Error("must be an origin alone, without path, query or user");
  }
  return url.origin;
}

function parseTeamDomain(text: string): string {
  const host = parseHost(text.replace(/^https:\/\//, "").replace(/\/$/, ""));
  return `https://${host}`;
}

function parseOrigin(text: string): string {
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol) || url.origin !== text) throw new Error(`"${text}" is not an origin`);
  return text;
}

function parseHost(text: string): string {
  const host = text.toLowerCase();
  if (!/^[a-z0-9.-]+(:[0-9]{1,5})?$/.test(host)) throw new Error(`"${text}" is not a host`);
  return host;
}

function parseSwitch(text: string): boolean {
  if (text !== "1" && text !== "0") throw new Error('must be "1" or "0"');
  return text === "1";
}
