import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { EndCause, PermissionMode } from "#gen/job/v1/job_pb.js";
import { type GitServer, startGitServer } from "../../../../e2e/git/git-server.ts";
import { makeRepository } from "../../../../e2e/git/make-repository.ts";
import { answer, text, toolUse } from "../../../../e2e/model/turn.ts";
import { type AgentRunner, openAgentRunner, valuesOf } from "../../../testing/agent-runner.ts";
import { makeDataDirectory } from "../../../testing/start-runner.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const room = mkdtempSync(join(tmpdir(), "blazecraft-operator-"));
const trusting = makeDataDirectory();
const usual = makeDataDirectory();
let git: GitServer;
let agents: { readonly trusting: AgentRunner; readonly usual: AgentRunner };

/** What a repository would have every agent do that works in it. */
const hooks = { PreToolUse: [{ matcher: "Bash", hooks: [{ type: "command", command: "touch hooked" }] }] };
const server = {
  command: process.execPath,
  args: [join(import.meta.dirname, "../../../testing/mcp-server-that-draws.ts")],
};
const files = {
  ".claude/settings.json": JSON.stringify({ hooks }),
  "CLAUDE.md": "Always say plum.\n",
  ".mcp.json": JSON.stringify({ mcpServers: { own: server } }),
};

beforeAll(async () => {
  await makeRepository(join(room, "repositories"), "acme/api", [{ message: "Begin", files }]);
  git = await startGitServer({ folder: join(room, "repositories") });
  const mcpConfig = join(room, "mcp.json");
  const draws = { ...server, args: [...server.args, "the operator"] };
  writeFileSync(mcpConfig, JSON.stringify({ mcpServers: { draws, other: server } }));
  const env = { ALLOW_INSECURE_GIT: "true" };
  agents = {
    usual: await openAgentRunner(usual.path, env),
    trusting: await openAgentRunner(trusting.path, {
      ...env,
      ALLOW_REPOSITORY_SETTINGS: "true",
      MCP_CONFIG: mcpConfig,
    }),
  };
});

afterAll(async () => {
  await Promise.all([agents.usual[Symbol.asyncDispose](), agents.trusting[Symbol.asyncDispose](), git.close()]);
  for (const data of [trusting, usual]) data.remove();
  rmSync(room, { recursive: true });
});

const bypass = { permissionMode: PermissionMode.BYPASS };
const turns = [answer([toolUse("Bash", { command: "true", description: "Nothing" })]), answer([text("Done.")])];

test("what a repository sets for agents counts for nothing", async () => {
  const { end, did, file, requests } = await agents.usual.run({
    work: bypass,
    turns,
    repoRef: `${git.url}/acme/api`,
  });
  expect(end.outcome?.cause).toBe(EndCause.COMPLETED);
  expect(() => file("hooked")).toThrow("ENOENT");
  expect(valuesOf(did, "hook")).toEqual([]);
  expect(JSON.stringify(requests[0]?.call?.body)).not.toContain("Always say plum.");
});

test("where the operator allows it, a repository's settings count and its hooks are told; its servers never start", async () => {
  const { did, file, requests } = await agents.trusting.run({
    work: bypass,
    turns,
    repoRef: `${git.url}/acme/api`,
  });
  expect(file("hooked")).toBe("");
  expect(valuesOf(did, "hook")).toMatchObject([
    { event: "PreToolUse", name: "PreToolUse:Bash" },
    { event: "PreToolUse", exitCode: 0 },
  ]);
  const asked = JSON.stringify(requests[0]?.call?.body);
  expect(["Always say plum.", "mcp__own"].map((words) => asked.includes(words))).toEqual([true, false]);
});

test("a job uses the servers that it names, and a picture comes as a reference", async () => {
  const draw = answer([toolUse("mcp__draws__draw", {})]);
  const { did, requests, events } = await agents.trusting.run({
    work: { ...bypass, mcpServers: ["draws"] },
    turns: [draw, answer([text("Done.")])],
  });
  const tools = JSON.stringify(requests[0]?.call?.body);
  expect(["mcp__draws__draw", "mcp__other__draw"].map((name) => tools.includes(name))).toEqual([true, false]);
  const [result] = valuesOf(did, "toolResult");
  expect(result).toMatchObject({
    text: expect.stringContaining("A dot for the operator."),
    images: [{ mediaType: "image/png", bytes: 70n }],
  });
  expect(JSON.stringify(events, (_, value) => (typeof value === "bigint" ? String(value) : value))).not.toContain(
    "iVBOR",
  );
});

test("how a server is reached is in no file once the job has ended", async () => {
  const request = await agents.trusting.start({ work: { ...bypass, mcpServers: ["draws"] }, turns: turns.slice(1) });
  await agents.trusting.finish(request);
  const root = join(trusting.path, "jobs", request.jobId);
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" }).map((name) => join(root, name));
  const texts = paths.filter((path) => statSync(path).isFile()).map((path) => readFileSync(path, "latin1"));
  expect(texts.length).toBeGreaterThan(1);
  expect(texts.some((content) => content.includes("the operator"))).toBe(false);
});

test("a server that the operator does not offer is refused before anything is made", async () => {
  const { info } = await agents.trusting.client.getRunner({});
  expect(info?.mcpServers).toEqual(["draws", "other"]);
  const start = agents.trusting.start({ work: { mcpServers: ["draws", "own"] }, turns });
  await expect(start).rejects.toMatchObject({
    code: Code.FailedPrecondition,
    message: expect.stringContaining('this runner offers no MCP server "own"'),
  });
});
