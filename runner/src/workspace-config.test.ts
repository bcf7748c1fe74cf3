import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseConfig } from "./config.ts";

const required = { GATEWAY_SECRET: "s".repeat(32), ISOLATION: "none" };

async function workspaceOf(env: Readonly<Record<string, string>>) {
  return (await parseConfig({ ...required, ...env })).job.workspace;
}

test("an operator who chooses nothing allows every repository, and gives no credentials", async () => {
  const workspace = await workspaceOf({});
  expect(workspace).toEqual({
    defaultHost: "github.com",
    allowInsecure: false,
    hosts: { github: { hosts: ["github.com"] }, gitlab: { hosts: ["gitlab.com"] } },
    mirrors: { maxBytes: 20 * 2 ** 30, keepMs: 1_209_600_000 },
    pool: { maxKept: 6, keepMs: 86_400_000 },
  });
});

test("what an operator chooses counts", async () => {
  const room = mkdtempSync(join(tmpdir(), "blazecraft-config-"));
  const privateKeyFile = join(room, "app.pem");
  writeFileSync(privateKeyFile, "key");
  const workspace = await workspaceOf({
    ALLOWED_REPOSITORIES: "github.com/acme/*, git.corp.example:8443/a/b/c,gitlab.com/*",
    GITHUB_HOSTS: "github.com,github.corp.example",
    GITHUB_API_URL: "https://api.corp.example/",
    GITHUB_APP_ID: "17",
    GITHUB_APP_PRIVATE_KEY_FILE: privateKeyFile,
    GITLAB_TOKEN: "glpat-x",
    MIRROR_CACHE_BYTES: "1048576",
    MIRROR_KEEP_MS: "1",
    MAX_POOLED_WORKSPACES: "0",
    POOL_KEEP_MS: "2",
  });
  rmSync(room, { recursive: true });
  expect(workspace).toMatchObject({
    allowedRepositories: ["github.com/acme/*", "git.corp.example:8443/a/b/c", "gitlab.com/*"],
    hosts: {
      github: {
        hosts: ["github.com", "github.corp.example"],
        apiUrl: "https://api.corp.example",
        app: { id: "17", privateKeyFile },
      },
      gitlab: { hosts: ["gitlab.com"], token: "glpat-x" },
    },
    mirrors: { maxBytes: 1_048_576, keepMs: 1 },
    pool: { maxKept: 0, keepMs: 2 },
  });
});

test("one error names every wrong variable, and shows no token", async () => {
  const wrong = {
    ALLOWED_REPOSITORIES: "https://github.com/acme/api",
    GITHUB_HOSTS: "github.com/acme",
    GITHUB_TOKEN: "two words",
    GITHUB_API_URL: "api.github.com",
    GITHUB_APP_PRIVATE_KEY_FILE: "/nowhere/app.pem",
    GITLAB_HOSTS: "-",
    MIRROR_CACHE_BYTES: "1",
    MIRROR_KEEP_MS: "soon",
    MAX_POOLED_WORKSPACES: "-1",
    POOL_KEEP_MS: "x",
  };
  const error: Error = await parseConfig({ ...required, ...wrong }).catch((reason) => reason);
  for (const name of [...Object.keys(wrong), "GITHUB_APP_ID"]) expect(error.message).toContain(name);
  expect(error.message).not.toContain("two words");
});
