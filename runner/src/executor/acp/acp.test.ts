import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DecisionSchema } from "#gen/job/v1/ask_pb.js";
import { type AgentEvent, type JobEvent, MessageState, PlanItemState } from "#gen/job/v1/job_event_pb.js";
import { ActorKind, type AgentWorkSchema, EndCause, PermissionMode } from "#gen/job/v1/job_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { randomId } from "#protocol/id.ts";
import { type Model, startModel } from "../../../../e2e/model/model.ts";
import { inOrder, type Script } from "../../../../e2e/model/script.ts";
import { answer, silence, type Turn, text, thinking, toolUse } from "../../../../e2e/model/turn.ts";
import { endOf, followJob, startRequest } from "../../../testing/jobs.ts";
import { makeDataDirectory, processesIn, startRunner, type TestRunner } from "../../../testing/start-runner.ts";

// Kimi Code from npm on a runner; the model alone is a stand-in.
const program = join(import.meta.dirname, "../../../../node_modules/@moonshot-ai/kimi-code/dist/main.mjs");
const agents = {
  kimi: {
    command: [process.execPath, program, "acp"],
    env: {
      KIMI_MODEL_PROVIDER_TYPE: "anthropic",
      KIMI_MODEL_NAME: "claude-sonnet-4-5",
      KIMI_MODEL_BASE_URL: placeholder("ANTHROPIC_BASE_URL"),
      KIMI_MODEL_API_KEY: placeholder("ANTHROPIC_API_KEY"),
      KIMI_CODE_NO_AUTO_UPDATE: "1",
      KIMI_DISABLE_TELEMETRY: "1",
    },
  },
  stayer: { command: [process.execPath, join(import.meta.dirname, "../../../testing/agent-stays-after-its-input.ts")] },
  absent: { command: ["no-such-agent", "acp"] },
  mute: { command: ["/bin/sh", "-c", "exit 3"] },
};

function placeholder(variable: string): string {
  return `\${${variable}}`;
}

const data = makeDataDirectory();
let script: Script;
let model: Model;
let runner: TestRunner;

beforeAll(async () => {
  model = await startModel({ script: (request) => script(request) });
  const file = join(data.path, "acp-agents.json");
  writeFileSync(file, JSON.stringify(agents));
  runner = await startRunner(data.path, {
    ANTHROPIC_BASE_URL: model.url,
    ANTHROPIC_API_KEY: "sk-test",
    ACP_AGENTS: file,
    // For the packages of an agent that is a script of this project's.
    JOB_READABLE: join(import.meta.dirname, "../../../../node_modules"),
  });
}, 60_000);

afterAll(async () => {
  await runner.stop("SIGINT");
  await model.close();
  data.remove();
});

async function start(turns: readonly Turn[], work: Partial<MessageInitShape<typeof AgentWorkSchema>> = {}) {
  script = inOrder({ main: turns, subagent: [] });
  const value = { agent: "kimi", prompt: "Go.", ...work } as MessageInitShape<typeof AgentWorkSchema>;
  const request = startRequest("", { work: { case: "agent", value } });
  await runner.client.startJob(request);
  return request;
}

/** Follows a job until its agent has done so many things of a kind. */
function untilIt(did: AgentEvent["event"]["case"], request: StartJobRequest, times = 1) {
  return followJob(runner.client, request, {
    enough: (events) => acts(events).filter((act) => act.case === did).length >= times,
  });
}

/** Waits for the first ask of a job and decides it. */
async function decide(request: StartJobRequest, verdict: Verdict) {
  const events = await followJob(runner.client, request, { enough: (seen) => asks(seen).length > 0 });
  const [ask] = asks(events);
  if (ask === undefined) throw new Error("the job ended without an ask");
  await runner.client.decideAsk({ jobId: request.jobId, attempt: 1, askId: ask.id, decision: { verdict, actor: ann } });
  return ask;
}

type Verdict = NonNullable<MessageInitShape<typeof DecisionSchema>["verdict"]>;
const ann = { kind: ActorKind.CALLER, id: "ann" };
const once: Verdict = { case: "allow", value: {} };

function send(request: StartJobRequest, words: string, interrupt = false) {
  const message = { id: randomId("msg"), text: words, interrupt, author: ann, state: MessageState.QUEUED };
  return runner.client.sendMessage({ jobId: request.jobId, attempt: 1, message });
}

function asks(events: readonly JobEvent[]) {
  return events.flatMap(({ payload }) => (payload.case === "ask" ? [payload.value] : []));
}

function acts(events: readonly JobEvent[]) {
  return events.flatMap(({ payload }) => (payload.case === "agent" ? [payload.value.event] : []));
}

/** What happened, as words; deltas, and what models cost, left out. */
function told(events: readonly JobEvent[]) {
  const words = events.map(({ payload }) => (payload.case === "agent" ? payload.value.event.case : payload.case));
  return words.filter((word) => word !== "delta" && word !== "usage");
}

function workspaceFile({ jobId }: StartJobRequest, name: string): string {
  return join(data.path, "sessions", jobId, "workspace", name);
}

const bash = (command: string) => toolUse("Bash", { command });

describe("on a runner", { timeout: 60_000 }, () => {
  test("what it thinks, says and does is told in order, and a person allows a tool once and for the rest of the job", async () => {
    const request = await start([
      answer([thinking("Hm."), text("I will run it."), bash("echo hi >> made.txt; cat made.txt; env")]),
      answer([bash("echo hi >> made.txt; cat made.txt; env")]),
      answer([text("Done.")]),
    ]);
    const ask = await decide(request, { case: "allow", value: { rule: "Approve for this session" } });
    expect(ask.question).toMatchObject({
      case: "permission",
      value: {
        tool: "Bash",
        inputJson: '{"command":"echo hi >> made.txt; cat made.txt; env"}',
        suggestedRules: ["Approve for this session"],
        workspace: workspaceFile(request, ""),
      },
    });
    const events = await followJob(runner.client, request);
    expect(told(events).slice(5)).toEqual([
      ...["session", "thinking", "text", "toolCall", "ask", "stateChanged", "ask", "stateChanged", "toolResult"],
      ...["toolCall", "toolResult", "text", "turnResult", "process", "phaseChanged", "attemptEnded"],
    ]);
    const calls = acts(events).flatMap((act) => (act.case === "toolCall" ? [act.value.id] : []));
    expect(acts(events).filter((act) => act.case === "toolResult")).toMatchObject([
      { value: { toolCallId: calls[0], text: expect.stringMatching(/^hi\n\w+=/), isError: false } },
      { value: { toolCallId: calls[1], text: expect.stringMatching(/^hi\nhi\n\w+=/), isError: false } },
    ]);
    const tokens = acts(events).flatMap((act) => (act.case === "usage" ? [act.value.usage?.outputTokens] : []));
    expect(tokens).toEqual([100n, 100n, 100n]);
    expect(JSON.stringify(acts(events), (_, value) => (typeof value === "bigint" ? 0 : value))).not.toContain(
      "sk-test",
    );
    expect(endOf(events)).toMatchObject({
      result: "Done.",
      unknownLines: 0,
      outcome: { cause: EndCause.COMPLETED, exitCode: 0, message: "Kimi Code CLI finished." },
    });
  });

  test("its to-do list is told, its question has choices, and the answer reaches it", async () => {
    const todos = [
      { title: "Read it", status: "done" },
      { title: "Mend it", status: "in_progress" },
    ];
    const options = [
      { label: "Red", description: "Like fire" },
      { label: "Blue", description: "Like ice" },
    ];
    const questions = [{ question: "Which color?", header: "Color", options }];
    const request = await start([
      answer([toolUse("TodoList", { todos })]),
      answer([toolUse("AskUserQuestion", { questions })]),
      answer([text("Blue it is.")]),
    ]);
    const ask = await decide(request, { case: "answers", value: { answers: [{ values: ["Blue"] }] } });
    expect(ask.question.value).toMatchObject({
      questions: [{ text: "Which color?", choices: [{ label: "Red" }, { label: "Blue" }] }],
    });
    const events = await followJob(runner.client, request);
    expect(model.requests.at(-1)?.call?.toolResults[0]?.content).toContain('"Which color?":"Blue"');
    expect(acts(events).find((act) => act.case === "plan")?.value).toMatchObject({
      items: [
        { text: "Read it", state: PlanItemState.DONE },
        { text: "Mend it", state: PlanItemState.ACTIVE },
      ],
    });
  });

  test("a message makes another turn of the same session", async () => {
    let proceed = () => {};
    const until = new Promise<void>((resolve) => {
      proceed = resolve;
    });
    const disturbance = { kind: "hold", afterEvents: 4, until } as const;
    const request = await start([answer([text("one two")], { disturbance }), answer([text("And three.")])]);
    await untilIt("delta", request);
    await send(request, "Go on counting.");
    proceed();
    const events = await followJob(runner.client, request);
    expect(told(events).slice(5, -3)).toEqual([
      ...["session", "message", "text", "turnResult", "message", "text", "turnResult"],
    ]);
    const { messages } = model.requests.at(-1)?.call?.body ?? {};
    expect(JSON.stringify(messages)).toMatch(/Go\..*one two.*Go on counting\./);
    expect(endOf(events).result).toBe("And three.");
  });

  test("an interrupting message stops a tool that runs, and is heard at once", async () => {
    const request = await start([answer([bash("touch started; exec tail -f /dev/null")]), answer([text("Stopped.")])], {
      permissionMode: PermissionMode.BYPASS,
    });
    await untilIt("toolCall", request);
    await expect.poll(() => existsSync(workspaceFile(request, "started")), { timeout: 10_000 }).toBe(true);
    await send(request, "Leave that.", true);
    const events = await followJob(runner.client, request);
    expect(processesIn(workspaceFile(request, ""))).toEqual([]);
    expect(acts(events).filter((act) => act.case === "turnResult")).toMatchObject([
      { value: { kind: "cancelled", isError: true } },
      { value: { kind: "end_turn", text: "Stopped." } },
    ]);
    expect(asks(events)).toEqual([]);
    expect(endOf(events).outcome?.cause).toBe(EndCause.COMPLETED);
  });

  test("it can be canceled while the model keeps silent", async () => {
    const served = model.requests.length;
    const request = await start([silence]);
    await model.until((requests) => requests.length > served);
    await runner.client.stopJob({ jobId: request.jobId, attempt: 1, cause: EndCause.CANCELED, actor: ann });
    const events = await followJob(runner.client, request);
    expect(endOf(events).outcome?.cause).toBe(EndCause.CANCELED);
    expect(processesIn(join(data.path, "sessions", request.jobId))).toEqual([]);
  });

  test("its permission mode is changed while it runs", async () => {
    const request = await start([answer([bash("echo one")]), answer([bash("echo two")]), answer([text("Both.")])]);
    await followJob(runner.client, request, { enough: (events) => asks(events).length > 0 });
    const mode = { jobId: request.jobId, attempt: 1, actor: ann };
    const refused = runner.client.setPermissionMode({ ...mode, mode: PermissionMode.ACCEPT_EDITS });
    await expect(refused).rejects.toThrow(/does not offer/);
    await runner.client.setPermissionMode({ ...mode, mode: PermissionMode.BYPASS });
    await decide(request, once);
    const events = await followJob(runner.client, request);
    expect(asks(events)).toHaveLength(2);
    expect(acts(events).filter((act) => act.case === "permissionModeChanged")).toMatchObject([
      { value: { mode: PermissionMode.BYPASS, previousMode: PermissionMode.ASK, actor: ann, loosened: true } },
    ]);
  });

  test("an agent that stays when there is nothing left to do is ended, and its work counts", async () => {
    const events = await followJob(runner.client, await start([], { agent: "stayer" }));
    expect(told(events).slice(5)).toEqual([
      ...["session", "text", "turnResult", "process", "process", "phaseChanged", "attemptEnded"],
    ]);
    expect(endOf(events)).toMatchObject({
      result: "All said.",
      outcome: { cause: EndCause.COMPLETED, signal: "SIGTERM", message: "stayer finished." },
    });
  });

  test("the runner says which of its agents can be used, and why another cannot", async () => {
    const { info } = await runner.client.getRunner({});
    expect(info?.executors.slice(2)).toMatchObject([
      { name: "kimi", version: "2.1.0", problem: "" },
      { name: "stayer", version: "0.1.0", problem: "" },
      { name: "absent", problem: 'ACP_AGENTS has "absent" run "no-such-agent", which is not a program on the runner.' },
      { name: "mute", problem: expect.stringContaining("did not introduce itself before it ended") },
    ]);
  });
});
