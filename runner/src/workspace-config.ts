import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Variables } from "./config.ts";
import type { HostSettings } from "./workspace/git-hosts.ts";
import type { WorkspaceSettings } from "./workspace/workspace.ts";

/** Reads what the operator set about repositories and workspaces. */
export function workspaceSettings(variables: Variables): WorkspaceSettings {
  const allowedRepositories = variables.list(
    "ALLOWED_REPOSITORIES",
    /^[a-z0-9.-]+(:[0-9]{1,5})?(\/[A-Za-z0-9_.-]+)*(\/\*)?$/,
    "host/owner/name, host/owner/* or host/*",
  );
  return {
    defaultHost: variables.matching("DEFAULT_GIT_HOST", "github.com", /^[a-z0-9-]+(\.[a-z0-9-]+)+$/, "a host name"),
    allowInsecure: variables.flag("ALLOW_INSECURE_GIT"),
    ...(allowedRepositories.length === 0 ? {} : { allowedRepositories }),
    hosts: { github: github(variables), gitlab: host(variables, "GITLAB", "gitlab.com") },
    mirrors: {
      maxBytes: variables.integer("MIRROR_CACHE_BYTES", 20 * 2 ** 30, 1 << 20, 2 ** 46),
      keepMs: variables.integer("MIRROR_KEEP_MS", 14 * dayMs, 0, 365 * dayMs),
    },
    pool: {
      maxKept: variables.integer("MAX_POOLED_WORKSPACES", 6, 0, 1000),
      keepMs: variables.integer("POOL_KEEP_MS", dayMs, 0, 90 * dayMs),
    },
  };
}

const dayMs = 86_400_000;

function github(variables: Variables): HostSettings {
  const id = variables.optional("GITHUB_APP_ID");
  const privateKeyFile = variables.optional("GITHUB_APP_PRIVATE_KEY_FILE");
  const settings = host(variables, "GITHUB", "github.com");
  if (id === undefined && privateKeyFile === undefined) return settings;
  if (id === undefined || privateKeyFile === undefined) {
    variables.problem("GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY_FILE are needed both");
    return settings;
  }
  if (!existsSync(privateKeyFile))
    variables.problem(`GITHUB_APP_PRIVATE_KEY_FILE is "${privateKeyFile}", which is not there`);
  return { ...settings, app: { id, privateKeyFile: resolve(privateKeyFile) } };
}

function host(variables: Variables, prefix: "GITHUB" | "GITLAB", usual: string): HostSettings {
  const token = variables.optional(`${prefix}_TOKEN`);
  const apiUrl = variables.optional(`${prefix}_API_URL`);
  const named = variables.list(`${prefix}_HOSTS`, /^[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?$/, "host or host:port");
  if (token !== undefined && !/^[!-~]{1,512}$/.test(token)) variables.problem(`${prefix}_TOKEN is no token`);
  if (apiUrl !== undefined && !/^https?:\/\/[^\s?#]+$/.test(apiUrl)) variables.problem(`${prefix}_API_URL is no URL`);
  return {
    hosts: named.length === 0 ? [usual] : named,
    ...(apiUrl === undefined ? {} : { apiUrl: apiUrl.replace(/\/+$/, "") }),
    ...(token === undefined ? {} : { token }),
  };
}
