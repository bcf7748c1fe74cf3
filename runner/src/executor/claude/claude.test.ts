import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { EndCause, JobSpecSchema, PermissionMode } from "#gen/job/v1/job_pb.js";
import { answer, refusal, silence, text, toolUse } from "../../../../e2e/model/turn.ts";
import { type AgentRunner, openAgentRunner } from "../../../testing/agent-runner.ts";
import { story } from "../../../testing/jobs.ts";
import { makeDataDirectory } from "../../../testing/start-runner.ts";
import type { ExecutorSettings, ModelAccess, ModelAddress } from "../executor.ts";
import { claudeExecutor } from "./claude.ts";
import { sessionIdOf } from "./session-id.ts";

const bin = join(import.meta.dirname, "../../../../node_modules/.bin");
const { signal } = new AbortController();

describe("on a runner", { timeout: 60_000 }, () => {
  const data = makeDataDirectory();
  let agents: AgentRunner;

  beforeAll(async () => {
    agents = await openAgentRunner(data.path);
  }, 30_000);

  afterAll(async () => {
    await agents[Symbol.asyncDispose]();
    data.remove();
  });

  test("it edits a file by real tool calls, and its events arrive in order", async () => {
    const { events, end, did, requests, file } = await agents.run({
      work: { permissionMode: PermissionMode.BYPASS },
      turns: [
        answer([text("First a note."), toolUse("Write", { file_path: "note.txt", content: "one\n" })]),
        answer([toolUse("Edit", { file_path: "note.txt", old_string: "one", new_string: "two" })]),
        answer([text("The note says two.")]),
      ],
    });
    expect(file("note.txt")).toBe("two\n");
    const cases = did.map(({ event }) => event.case).filter((name) => name !== "delta" && name !== "usage");
    expect(cases).toEqual([
      ...["session", "text", "toolCall", "toolResult", "toolCall", "toolResult", "text", "turnResult"],
    ]);
    expect(story(events).filter((word) => word !== "agent" && word !== "log")).toEqual([
      ...["stateChanged", "phaseChanged", "scratch", "phaseChanged", "started"],
      ...["exited", "phaseChanged", "attemptEnded"],
    ]);
    expect(end).toMatchObject({
      result: "The note says two.",
      outcome: { cause: EndCause.COMPLETED, exitCode: 0, message: "Claude Code finished." },
    });
    const served = requests.reduce((sum, request) => sum + (request.served?.usage.outputTokens ?? 0), 0);
    const told = did.flatMap(({ event }) => (event.case === "usage" ? [Number(event.value.usage?.outputTokens)] : []));
    expect(told.reduce((sum, tokens) => sum + tokens, 0)).toBe(served);
  });

  test("its to-do list and its sub-agents are told, and one prompt has one result", async () => {
    const todo = { content: "Look around", status: "in_progress", activeForm: "Looking around" };
    const scout = { description: "Look around", prompt: "List the files", subagent_type: "general-purpose" };
    const { did, end } = await agents.run({
      work: { permissionMode: PermissionMode.BYPASS },
      turns: [
        answer([toolUse("TodoWrite", { todos: [todo] })]),
        answer([toolUse("Agent", scout, "toolu_scout")]),
        answer([text("Seen.")]),
      ],
      subagent: [answer([toolUse("Bash", { command: "ls", description: "List" })]), answer([text("Nothing here.")])],
    });
    const cases = did.map(({ event }) => event.case);
    expect(cases.filter((name) => name === "plan" || name === "subAgent" || name === "turnResult")).toEqual([
      ...["plan", "subAgent", "subAgent", "turnResult"],
    ]);
    const scouted = did.filter(({ parentToolCallId }) => parentToolCallId === "toolu_scout");
    expect(scouted.map(({ event }) => event.case)).toEqual(["toolCall", "toolResult", "text"]);
    expect(cases).not.toContain("raw");
    expect(end.result).toBe("Seen.");
  });

  test("a rule lets a tool through without consent, and a stronger one forbids it", async () => {
    const touch = answer([toolUse("Bash", { command: "touch made.txt", description: "Make it" })]);
    const allowed = await agents.run({
      turns: [touch, answer([text("Made.")])],
      work: { allowedTools: ["Bash(touch *)"] },
    });
    expect(allowed.file("made.txt")).toBe("");
    const denied = await agents.run({
      turns: [touch, answer([text("Not made.")])],
      work: { permissionMode: PermissionMode.BYPASS, allowedTools: ["Bash"], deniedTools: ["Bash", "Write"] },
    });
    expect(() => denied.file("made.txt")).toThrow("ENOENT");
    expect(denied.requests[0]?.call?.tools).not.toContain("Write");
  });

  test("prompt, model and system prompt reach the model as they are", async () => {
    const { requests } = await agents.run({
      turns: [answer([text("Yes.")])],
      work: {
        prompt: "/cost of @this --now",
        model: "claude-sonnet-5",
        appendSystemPrompt: "--be brief",
        effort: "low",
      },
    });
    expect(requests[0]?.call).toMatchObject({ model: "claude-sonnet-5" });
    expect(requests[0]?.call?.prompt).toContain("/cost of @this --now");
    expect(JSON.stringify(requests[0]?.call?.body.system)).toContain("--be brief");
  });

  test("a limit of turns ends it", async () => {
    const { end } = await agents.run({
      work: { permissionMode: PermissionMode.BYPASS },
      limits: { maxTurns: 1 },
      turns: [answer([toolUse("Bash", { command: "true", description: "Nothing" })]), answer([text("Never said.")])],
    });
    expect(end.outcome).toMatchObject({ cause: EndCause.TURN_LIMIT, exitCode: 1 });
  });

  test.each([
    ["forbids", refusal(403, "permission_error")],
    ["does not know", refusal(401, "authentication_error")],
  ])("a key that the API %s is named as the reason, soon", async (_, turn) => {
    const { end } = await agents.run({ turns: Array(10).fill(turn) });
    expect(end.outcome).toMatchObject({
      cause: EndCause.AGENT_NOT_AUTHENTICATED,
      message: expect.stringContaining("ANTHROPIC_API_KEY"),
    });
  });

  test("it can be canceled while the model keeps silent", async () => {
    const request = await agents.start({ turns: [silence] });
    await agents.model.until((requests) => requests.some(({ call }) => call?.session === sessionIdOf(request.jobId)));
    await agents.client.stopJob({ jobId: request.jobId, attempt: 1, cause: EndCause.CANCELED });
    expect((await agents.finish(request)).end.outcome).toMatchObject({ cause: EndCause.CANCELED });
  });

  test("the runner says which version it has", async () => {
    const { info } = await agents.client.getRunner({});
    expect(info?.executors).toContainEqual(
      expect.objectContaining({ name: "claude", version: "2.1.330", problem: "" }),
    );
  });
});

describe("without a runner", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "claude-executor-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const socket: ModelAddress = { kind: "socket", path: "/jobs/1/model.sock" };
  const modelAt = (address: ModelAddress) => ({ token: "worthless", listen: async () => address });

  function prepare(settings: ExecutorSettings, model: ModelAccess | undefined) {
    const work = { case: "agent", value: { agent: "claude", prompt: "Go." } } as const;
    const spec = create(JobSpecSchema, { repoRef: "test", work });
    const places = { workspace: directory, home: directory, tmp: directory };
    return claudeExecutor.prepare({
      jobId: "job_0123456789abcdef",
      session: "job_0123456789abcdef",
      attempt: 1,
      spec,
      settings,
      ...places,
      emit: () => undefined,
      permissionMode: PermissionMode.ASK,
      ask: async () => undefined,
      model,
      messages: { isEmpty: true, take: () => [], close: () => undefined },
      modeChanged: () => undefined,
      untilRecorded: () => undefined,
    });
  }

  test("a missing program is named, with what to do about it", async () => {
    const settings = { searchPath: `${directory}:/nowhere:` };
    const problem = expect.stringContaining("npm install -g @anthropic-ai/claude-code");
    expect(await claudeExecutor.probe(settings, signal)).toEqual({ kind: "unusable", problem });
    const outcome = { cause: EndCause.AGENT_NOT_INSTALLED, message: problem };
    await expect(prepare(settings, modelAt(socket))).rejects.toMatchObject({ outcome });
  });

  test("CLAUDE_PATH goes before the search path, and must name a program", async () => {
    const claudePath = join(directory, "other-claude");
    await writeFile(claudePath, "#!/bin/sh\necho '9.8.7 (Claude Code)'\n");
    const problem = `CLAUDE_PATH names "${claudePath}", which is not a program that can be run.`;
    expect(await claudeExecutor.probe({ searchPath: bin, claudePath }, signal)).toEqual({ kind: "unusable", problem });
    await chmod(claudePath, 0o755);
    const settings = { searchPath: `${bin}:/usr/bin:/bin`, claudePath };
    expect(await claudeExecutor.probe(settings, signal)).toEqual({ kind: "usable", version: "9.8.7" });
  });

  test("a folder of the program's name is no program, and a program that tells no version is unusable", async () => {
    await mkdir(join(directory, "claude"));
    expect(await claudeExecutor.probe({ searchPath: directory }, signal)).toMatchObject({ kind: "unusable" });
    expect(await claudeExecutor.probe({ searchPath: "", claudePath: "/bin/false" }, signal)).toMatchObject({
      kind: "unusable",
      problem: expect.stringContaining('"/bin/false --version" told no version'),
    });
  });

  test("nothing is started without a key", async () => {
    await expect(prepare({ searchPath: bin }, undefined)).rejects.toMatchObject({
      outcome: { cause: EndCause.AGENT_NOT_AUTHENTICATED, message: expect.stringContaining("set ANTHROPIC_API_KEY") },
    });
  });

  test("one job has one session id", async () => {
    const [first, again] = [sessionIdOf("job_0123456789abcdef"), sessionIdOf("job_0123456789abcdef")];
    expect(first).toBe(again);
    expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(sessionIdOf("job_0123456789abcdeg")).not.toBe(first);
  });

  test("the program finds its model at the job's own address, on a socket or a port", async () => {
    const key = { ANTHROPIC_API_KEY: "worthless", CLAUDE_CODE_TMPDIR: directory };
    const { env } = await prepare({ searchPath: bin }, modelAt(socket));
    const place = { ANTHROPIC_UNIX_SOCKET: "/jobs/1/model.sock", ANTHROPIC_BASE_URL: "http://model" };
    expect(env).toMatchObject({ ...key, ...place });
    const url = "http://127.0.0.1:4711";
    const other = await prepare({ searchPath: bin }, modelAt({ kind: "loopback", url }));
    expect(other.env).toMatchObject({ ...key, ANTHROPIC_BASE_URL: url });
    expect(other.env).not.toHaveProperty("ANTHROPIC_UNIX_SOCKET");
  });
});
