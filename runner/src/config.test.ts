import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { exampleSecret } from "#protocol/signature.ts";
import { parseConfig } from "./config.ts";
import { formatHostRule } from "./sandbox/host-rule.ts";

const required = { GATEWAY_SECRET: "s".repeat(32) };

test("what is required is enough", async () => {
  const config = await parseConfig(required);
  expect(config).toMatchObject({
    listen: { kind: "tcp", host: "127.0.0.1", port: 8787 },
    grpcPort: undefined,
    slots: 3,
    sandbox: { kind: "bubblewrap", uidBase: 1_900_000_000, readable: [] },
    minFreeDiskBytes: 1_073_741_824,
    warmAgents: 0,
    sessions: { keepMs: 604_800_000, maxKept: 20 },
    artifactKeepMs: 2_592_000_000,
    logLevel: "info",
    job: {
      taskWallMs: 300_000,
      artifacts: { maxBytes: 1_073_741_824, minFreeBytes: 1_073_741_824 },
      workspace: { defaultHost: "github.com", allowInsecure: false },
    },
  });
  expect(config.runnerName).toMatch(/^[a-z0-9][a-z0-9-]*$/);
});

test("one error names every wrong variable", async () => {
  const wrong = {
    GATEWAY_SECRET: "short",
    PORT: "80a",
    MAX_CONCURRENT_JOBS: "0",
    LOG_LEVEL: "loud",
    RUNNER_NAME: "No Name",
    RUNNER_LABELS: "gpu,Bad Label",
    JOB_TIMEOUT_MS: "-1",
    SESSION_KEEP_MS: "forever",
    MAX_KEPT_SESSIONS: "1001",
    ARTIFACT_KEEP_MS: "-1",
    MAX_ARTIFACT_BYTES: "1 GiB",
    ALLOW_INSECURE_GIT: "yes",
    JOB_UID_BASE: "0",
    JOB_READABLE: "tools",
    ALLOW_REPOSITORY_SETTINGS: "1",
    EGRESS_ALLOW: "https://example.com",
    EGRESS_ALLOW_MORE: "no",
    EGRESS_ALLOW_ADDRESSES: "10.0.0.0/33",
    MCP_CONFIG: "/nowhere/mcp.json",
    ANTHROPIC_BASE_URL: "api.example.com",
    DAY_BUDGET_USD: "$5",
    MODEL_TIMEOUT_MS: "0",
  };
  const error: Error = await parseConfig(wrong).catch((reason) => reason);
  for (const name of Object.keys(wrong)) expect(error.message).toContain(name);
});

test.each([
  ["the example secret", { GATEWAY_SECRET: exampleSecret }],
  ["no secret", { GATEWAY_SECRET: "" }],
  ["a short second secret", { GATEWAY_SECRET: `${"s".repeat(32)},short` }],
  ["an author without an address", { GIT_AUTHOR: "Ana Bell" }],
  ["an author in two lines", { GIT_AUTHOR: "Ana\nBell <ana@example.com>" }],
  ["isolation that does not exist", { ISOLATION: "docker" }],
  ["warm agents without a key", { WARM_AGENTS: "1" }],
  ["too many warm agents", { WARM_AGENTS: "9", ANTHROPIC_API_KEY: "sk-x" }],
  [
    "warm agents that would miss a repository's settings",
    { WARM_AGENTS: "1", ANTHROPIC_API_KEY: "sk-x", ALLOW_REPOSITORY_SETTINGS: "true" },
  ],
])("%s is refused", async (_, change) => {
  await expect(parseConfig({ ...required, ...change })).rejects.toThrow(/configuration is wrong/);
});

test("secrets may be two while they rotate, and the socket may be a file", async () => {
  const config = await parseConfig({
    ...required,
    GATEWAY_SECRET: `${"a".repeat(32)},${"b".repeat(32)}`,
    HOST: "unix:/run/x",
  });
  expect(config.keys).toHaveLength(2);
  expect(config.listen).toEqual({ kind: "unix", path: "/run/x" });
});

test("an author has a name and an address, and is the runner by default", async () => {
  const author = async (text: string) => (await parseConfig({ ...required, GIT_AUTHOR: text })).job.gitAuthor;
  expect(await author("Zoë de Bell <zoe+bot@example.com>")).toEqual({
    name: "Zoë de Bell",
    email: "zoe+bot@example.com",
  });
  expect(await author("")).toEqual({ name: "BlazeCraft runner", email: "runner@blazecraft.invalid" });
});

test("labels are listed with commas", async () => {
  expect((await parseConfig({ ...required, RUNNER_LABELS: "gpu, zone=eu" })).labels).toEqual(["gpu", "zone=eu"]);
});

describe("MCP_CONFIG", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(`${tmpdir()}/mcp-config-`);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function parse(text: string) {
    const path = `${directory}/mcp.json`;
    writeFileSync(path, text);
    return parseConfig({ ...required, MCP_CONFIG: path });
  }

  test("offers the servers of its file", async () => {
    const mcpServers = { files: { command: "serve-files", args: ["--read-only"] } };
    expect((await parse(JSON.stringify({ mcpServers }))).job.executors).toMatchObject({ mcpServers });
  });

  test.each([
    ["no JSON", "{"],
    ["no servers", "{}"],
    ["a server that is no object", '{"mcpServers":{"files":"serve-files"}}'],
    ["a name that no job can give", '{"mcpServers":{"my files":{}}}'],
  ])("is refused with %s", async (_, text) => {
    await expect(parse(text)).rejects.toThrow("MCP_CONFIG");
  });
});

test("a day's budget is given in dollars, and is none by default", async () => {
  const dayBudget = async (env: object) => (await parseConfig({ ...required, ...env })).job.model.dayBudgetMicros;
  expect(await dayBudget({})).toBe(0);
  expect(await dayBudget({ DAY_BUDGET_USD: "25" })).toBe(25_000_000);
  expect(await dayBudget({ DAY_BUDGET_USD: "0.005" })).toBe(5_000);
  for (const wrong of ["0", "-1", "1e3", "0.0000001", "five"]) {
    await expect(dayBudget({ DAY_BUDGET_USD: wrong })).rejects.toThrow(`DAY_BUDGET_USD is "${wrong}"`);
  }
});

test("agents may be started before there are jobs", async () => {
  const config = await parseConfig({ ...required, WARM_AGENTS: "2", ANTHROPIC_API_KEY: "sk-x" });
  expect(config.warmAgents).toBe(2);
});

describe("what is hidden", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(`${tmpdir()}/redact-file-`);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function redact(env: Readonly<Record<string, string>>, lines = "") {
    const REDACT_FILE = `${directory}/redact`;
    writeFileSync(REDACT_FILE, lines);
    return parseConfig({ ...required, ...env, REDACT_FILE }).then(({ job }) =>
      job.redact.filter((secret) => secret !== ""),
    );
  }

  test("is every secret that the operator gave, and the lines of a file", async () => {
    const [first, second] = ["a".repeat(32), "b".repeat(32)];
    const env = {
      GATEWAY_SECRET: `${first}, ${second}`,
      ANTHROPIC_API_KEY: "sk-ant-x",
      GITHUB_TOKEN: "ghp_x",
      GITLAB_TOKEN: "glpat-x",
    };
    const expected = [first, second, "sk-ant-x", "ghp_x", "glpat-x", "with a space ", "#1-password"];
    expect(await redact(env, "with a space \r\n\n#1-password\n")).toEqual(expected);
  });

  test("is what MCP servers are given under the name of a secret", async () => {
    const tickets = { env: { TICKETS_TOKEN: "ticket-1", TICKETS_PLACE: "Paris" } };
    const files = { headers: { Authorization: "Bearer file-1", "X-Api-Key": "file-2", Accept: "text/plain" } };
    const path = `${directory}/mcp.json`;
    writeFileSync(path, JSON.stringify({ mcpServers: { tickets, files } }));
    expect(await redact({ MCP_CONFIG: path })).toEqual([required.GATEWAY_SECRET, "ticket-1", "file-1", "file-2"]);
  });

  test("must be six bytes long in a file, and an error tells the line and not the secret", async () => {
    const error = await redact({}, "long enough\nshort\n").catch(String);
    expect(error).toContain("REDACT_FILE");
    expect(error).toContain("line 2 is shorter than 6 bytes");
    expect(error).not.toContain("short\n");
    await expect(parseConfig({ ...required, REDACT_FILE: `${directory}/none` })).rejects.toThrow("REDACT_FILE");
  });
});

test("jobs reach what their operator allows, by name", async () => {
  const egress = async (env: object) => (await parseConfig({ ...required, ...env })).job.egress;
  const usual = await egress({});
  expect(usual.allowed.map(formatHostRule)).toEqual(
    expect.arrayContaining(["github.com", "registry.npmjs.org", "pypi.org", "crates.io", "proxy.golang.org"]),
  );
  expect(usual).toMatchObject({ mayAllowMore: true, exemptAddresses: [] });
  const own = await egress({
    EGRESS_ALLOW: "npm, git.corp.example, *.corp.example:8443",
    EGRESS_ALLOW_MORE: "false",
    EGRESS_ALLOW_ADDRESSES: "10.1.0.0/16,fd12::/16,127.0.0.1",
  });
  expect(own.allowed.map(formatHostRule)).toEqual([
    "registry.npmjs.org",
    "registry.yarnpkg.com",
    "git.corp.example",
    "*.corp.example:8443",
  ]);
  expect(own.mayAllowMore).toBe(false);
  expect(own.exemptAddresses.map(({ address, bits }) => `${address}/${bits}`)).toEqual([
    "10.1.0.0/16",
    "fd12::/16",
    "127.0.0.1/32",
  ]);
  expect((await egress({ EGRESS_ALLOW: "none" })).allowed).toEqual([]);
});
