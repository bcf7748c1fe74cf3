import {
  type AgentApp,
  type AnyMessage,
  agent,
  type ContentBlock,
  type NewSessionResponse,
  type PermissionOption,
  RequestError,
  type RequestPermissionResponse,
  type SessionUpdate,
  type StopReason,
} from "@agentclientprotocol/sdk";
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type Decision, DecisionSchema } from "#gen/job/v1/ask_pb.js";
import { EndCause, PermissionMode } from "#gen/job/v1/job_pb.js";
import { makeAgentJob } from "../../../testing/agent-job.ts";
import type { AskContext, AskQuestion, EventPayload } from "../executor.ts";
import { AcpSession } from "./acp-session.ts";
import type { SessionWish } from "./open-session.ts";

type Ask = (question: AskQuestion, context: AskContext) => Promise<Decision | undefined>;

/** An agent of the SDK that introduces itself and begins a session; what it does with a prompt is its test's. */
function anAgent(offer: Partial<NewSessionResponse> = {}): AgentApp {
  return agent()
    .onRequest("initialize", () => ({ protocolVersion: 1, agentInfo: { name: "scripted", version: "1.2.3" } }))
    .onRequest("session/new", () => ({ sessionId: "session-1", ...offer }));
}

/** An agent that sends updates in a turn. */
function anAgentThatSays(...updates: readonly SessionUpdate[]): AgentApp {
  return says(anAgent(), updates);
}

function says(app: AgentApp, updates: readonly SessionUpdate[]): AgentApp {
  return app.onRequest("session/prompt", async ({ params: { sessionId }, client }) => {
    for (const update of updates) await client.notify("session/update", { sessionId, update });
    return { stopReason: "end_turn" };
  });
}

interface Given {
  readonly wish?: Partial<SessionWish>;
  readonly ask?: Ask;
  readonly recorded?: Promise<void>;
}

/** Begins a session with an agent in this process, over lines as a process would print them. */
function converse(app: AgentApp, given: Given = {}) {
  const { job, ...seen } = makeAgentJob("/nowhere", given.recorded);
  const wish = { workspace: "/workspace", permissionMode: PermissionMode.ASK, model: "", effort: "", ...given.wish };
  const { ask = job.ask } = given;
  const session = new AcpSession({ name: "kimi", prompt: "Go.", wish, job: { ...job, ask }, now: () => 0 });
  const say = (line: string) => session.take({ bytes: Buffer.from(line), truncated: false });
  const incoming = new TransformStream<AnyMessage, AnyMessage>();
  const outgoing = new WritableStream<AnyMessage>({ write: (message) => say(JSON.stringify(message)) });
  const writer = incoming.writable.getWriter();
  app.connect({ readable: incoming.readable, writable: outgoing });
  const ended = new Promise<void>((resolve) => {
    session.begin({ write: (line) => void writer.write(JSON.parse(line)), end: resolve });
  });
  return { ...seen, session, say, ended };
}

async function outcomeOf(app: AgentApp, wish: Partial<SessionWish> = {}) {
  const { session, ended } = converse(app, { wish });
  await ended;
  return session.conclude({ kind: "exited", exitCode: 0 }).outcome;
}

function acts(events: readonly EventPayload[]) {
  return events.flatMap((event) => (event.case === "agent" && event.value.event ? [event.value.event] : []));
}

function textsOf(prompt: readonly ContentBlock[]): readonly string[] {
  return prompt.map((block) => (block.type === "text" ? block.text : block.type));
}

const words = (text: string) => ({ type: "text", text }) as const;
const options: PermissionOption[] = [
  { optionId: "always", name: "Always: git *", kind: "allow_always" },
  { optionId: "once", name: "Yes", kind: "allow_once" },
  { optionId: "no", name: "No", kind: "reject_once" },
];

/** An agent that asks for consent in its first turn; answers what it was told and each prompt. */
function anAgentThatAsks(offered: PermissionOption[] = options, rawInput: object = { command: "git push" }) {
  const told: string[] = [];
  const app = anAgent().onRequest("session/prompt", async ({ params: { sessionId, prompt }, client }) => {
    told.push(...textsOf(prompt));
    if (told.length > 1) return { stopReason: "end_turn" };
    const { outcome } = await client.request<RequestPermissionResponse>("session/request_permission", {
      sessionId,
      toolCall: { toolCallId: "call-1", title: "Shell", kind: "execute", rawInput },
      options: offered,
    });
    told.push(outcome.outcome === "selected" ? outcome.optionId : outcome.outcome);
    return { stopReason: outcome.outcome === "selected" ? "end_turn" : "cancelled" };
  });
  return { app, told };
}

const decided = (verdict: Decision["verdict"] | object): Ask => {
  return async () => create(DecisionSchema, { verdict } as Decision);
};

test.each([
  ["once", { case: "allow", value: {} }, ["Go.", "once"]],
  ["from now on", { case: "allow", value: { rule: "Always: git *" } }, ["Go.", "always"]],
  ["by a rule that the agent does not know", { case: "allow", value: { rule: "Bash(git:*)" } }, ["Go.", "once"]],
  ["with the input that it has", { case: "allow", value: { inputJson: '{"command":"git push"}' } }, ["Go.", "once"]],
  [
    "with another input",
    { case: "allow", value: { inputJson: '{"command":"git pull"}' } },
    ["Go.", "no", expect.stringContaining('with this input instead: {"command":"git pull"}')],
  ],
])("a call that is allowed %s", async (_, verdict, expected) => {
  const { app, told } = anAgentThatAsks();
  await converse(app, { ask: decided(verdict) }).ended;
  expect(told).toEqual(expected);
});

test.each([
  ["not told", "", ["Go.", "no"]],
  [
    "told with the next prompt",
    "use a branch",
    ["Go.", "no", expect.stringContaining("Shell (Shell), which was refused: use a branch")],
  ],
])("why a call is refused is %s", async (_, message, expected) => {
  const { app, told } = anAgentThatAsks();
  const { events, ended } = converse(app, { ask: decided({ case: "deny", value: { message } }) });
  await ended;
  expect(told).toEqual(expected);
  expect(acts(events).find((act) => act.case === "turnResult")?.value).toMatchObject({ permissionDenials: ["Shell"] });
});

test("a call that is too large to be shown is refused without a question", async () => {
  const { app, told } = anAgentThatAsks(options, { content: "x".repeat(600 * 1024) });
  const { asked, ended } = converse(app);
  await ended;
  expect(asked).toEqual([]);
  expect(told).toEqual(["Go.", "no", expect.stringContaining("too large to be shown")]);
});

test("an answer in a person's own words refuses the choices and is told with the next prompt", async () => {
  const choices = ["Red", "Blue"].map((name): PermissionOption => ({ optionId: name, name, kind: "allow_once" }));
  const { app, told } = anAgentThatAsks([...choices, { optionId: "skip", name: "Skip", kind: "reject_once" }]);
  const answers = { case: "answers", value: { answers: [{ values: ["Green"] }] } };
  await converse(app, { ask: decided(answers) }).ended;
  expect(told).toEqual(["Go.", "skip", expect.stringContaining("Green")]);
});

test("an interrupt takes back what is asked, and ends a session that nobody has a message for", async () => {
  const { app, told } = anAgentThatAsks();
  const ask: Ask = (_, { signal }) =>
    new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve(undefined));
      session.interrupt();
    });
  const { session, ended } = converse(app, { ask });
  await ended;
  expect(told).toEqual(["Go.", "cancelled"]);
  expect(session.conclude({ kind: "exited", exitCode: 0 }).outcome).toMatchObject({
    cause: EndCause.AGENT_ERROR,
    message: "scripted was interrupted before it had finished.",
  });
});

test("an interrupt before the prompt is given cancels its turn at once, and a message is heard", async () => {
  const told: string[] = [];
  let cancel: (reason: { stopReason: StopReason }) => void = () => undefined;
  const app = anAgent()
    .onRequest("session/prompt", ({ params: { prompt } }) => {
      told.push(...textsOf(prompt));
      if (told.length > 1) return { stopReason: "end_turn" };
      return new Promise((resolve) => {
        cancel = resolve;
      });
    })
    .onNotification("session/cancel", () => cancel({ stopReason: "cancelled" }));
  const { session, tell, ended } = converse(app);
  tell("Do less.");
  session.interrupt();
  await ended;
  expect(told).toEqual(["Go.", "Do less."]);
});

test("text and thinking are told in pieces and whole, each block by its message", async () => {
  const { events, ended } = converse(
    anAgentThatSays(
      { sessionUpdate: "agent_thought_chunk", content: words("Hm.") },
      { sessionUpdate: "agent_message_chunk", messageId: "m1", content: words("one ") },
      { sessionUpdate: "agent_message_chunk", messageId: "m1", content: words("two") },
      { sessionUpdate: "agent_message_chunk", messageId: "m2", content: words("three") },
    ),
  );
  await ended;
  const whole = acts(events).filter((act) => act.case === "text" || act.case === "thinking");
  expect(whole.map(({ value }) => value)).toEqual([
    { messageId: "turn-1", index: 0, text: "Hm." },
    { messageId: "m1", index: 0, text: "one two" },
    { messageId: "m2", index: 0, text: "three" },
  ]);
  const pieces = acts(events).flatMap((act) => (act.case === "delta" ? [act.value.content?.value] : []));
  expect(pieces).toEqual(["Hm.", "one ", "two", "three"]);
  expect(acts(events).at(-1)?.value).toMatchObject({ kind: "end_turn", text: "three", turns: 1 });
});

test("a call that is described bit by bit is told once with its whole input, and has one result", async () => {
  const { events, ended } = converse(
    anAgentThatSays(
      { sessionUpdate: "tool_call", toolCallId: "a", title: "Write", status: "pending", rawInput: {} },
      { sessionUpdate: "tool_call_update", toolCallId: "a", rawInput: { path: "x" }, title: "Writing x" },
      { sessionUpdate: "tool_call_update", toolCallId: "a", status: "in_progress", rawInput: { path: "x" } },
      {
        sessionUpdate: "tool_call_update",
        toolCallId: "a",
        status: "completed",
        content: [
          { type: "content", content: words("written") },
          { type: "content", content: { type: "image", mimeType: "image/png", data: "aGk=" } },
        ],
      },
      { sessionUpdate: "tool_call_update", toolCallId: "a", status: "completed" },
      { sessionUpdate: "tool_call", toolCallId: "b", title: "Read", status: "failed", rawOutput: "no such file" },
      { sessionUpdate: "tool_call", toolCallId: "c", title: "Wait", status: "in_progress", rawInput: { s: 1 } },
    ),
  );
  await ended;
  const told = acts(events).filter((act) => act.case === "toolCall" || act.case === "toolResult");
  expect(told.map(({ value }) => value)).toMatchObject([
    { id: "a", tool: "Write", inputJson: '{"path":"x"}' },
    { toolCallId: "a", text: "written", isError: false, images: [{ mediaType: "image/png", bytes: 2n }] },
    { id: "b", tool: "Read", inputJson: '{"title":"Read"}' },
    { toolCallId: "b", text: "no such file", isError: true },
    { id: "c", tool: "Wait", inputJson: '{"s":1}' },
    { toolCallId: "c", text: "The turn ended before this call did.", isError: true },
  ]);
});

test("what is unknown is kept as it is, and a request for it is refused", async () => {
  const unknown = { sessionUpdate: "telepathy", strength: 3 } as unknown as SessionUpdate;
  let answer: unknown;
  const app = anAgent().onRequest("session/prompt", async ({ params: { sessionId }, client }) => {
    await client.notify("session/update", { sessionId, update: unknown });
    answer = await client.request("_scripted/wish", {}).catch((error: Error) => error.message);
    return { stopReason: "end_turn" };
  });
  const { events, say, ended } = converse(app);
  say("Warning: it is late");
  await ended;
  const raw = acts(events).flatMap((act) => (act.case === "raw" ? [Buffer.from(act.value.line ?? "").toString()] : []));
  expect(raw).toEqual([
    "Warning: it is late",
    expect.stringContaining("telepathy"),
    expect.stringContaining("_scripted/wish"),
  ]);
  expect(answer).toMatch(/method not found/i);
});

test("an agent without modes can only ask", async () => {
  const answers: unknown[] = [];
  const app = anAgent().onRequest("session/prompt", async () => {
    answers.push(await session.setMode(PermissionMode.BYPASS));
    return { stopReason: "end_turn" };
  });
  const { session, ended } = converse(app);
  await ended;
  expect(answers).toMatchObject([{ kind: "refused" }]);
  expect(await outcomeOf(anAgentThatSays(), { permissionMode: PermissionMode.PLAN })).toMatchObject({
    cause: EndCause.AGENT_ERROR,
    message: expect.stringContaining("does not offer this permission mode"),
  });
});

test("a session begins in the mode, with the model and the effort that are wished", async () => {
  const asked: unknown[] = [];
  const select = (category: string, values: readonly string[]) => ({
    id: `the-${category}`,
    name: category,
    category,
    type: "select" as const,
    currentValue: values[0] ?? "",
    options: values.map((value) => ({ value, name: value.toUpperCase() })),
  });
  const configOptions = [select("model", ["small", "large"]), select("thought_level", ["low", "high"])];
  const modes = {
    currentModeId: "default",
    availableModes: ["default", "plan", "auto-edit"].map((id) => ({ id, name: id })),
  };
  const update = { sessionUpdate: "current_mode_update", currentModeId: "default" } as const;
  const app = says(anAgent({ modes, configOptions }), [update])
    .onRequest("session/set_mode", ({ params: { modeId } }) => void asked.push(modeId))
    .onRequest("session/set_config_option", ({ params: { configId, value } }) => {
      asked.push(`${configId}=${value}`);
      return { configOptions };
    });
  const wish = { permissionMode: PermissionMode.ACCEPT_EDITS, model: "LARGE", effort: "high" };
  const { events, modes: entered, ended } = converse(app, { wish });
  await ended;
  expect(asked).toEqual(["the-model=large", "the-thought_level=high", "auto-edit"]);
  expect(acts(events)[0]?.value).toEqual({
    sessionId: "session-1",
    model: "LARGE",
    agentVersion: "1.2.3",
    permissionMode: PermissionMode.ACCEPT_EDITS,
  });
  expect(entered).toEqual([PermissionMode.ASK]);
});

test.each<[StopReason, EndCause]>([
  ["end_turn", EndCause.COMPLETED],
  ["max_turn_requests", EndCause.TURN_LIMIT],
  ["max_tokens", EndCause.AGENT_ERROR],
  ["refusal", EndCause.AGENT_ERROR],
])("a session whose last turn ends with %s", async (stopReason, cause) => {
  const app = anAgent().onRequest("session/prompt", () => ({ stopReason }));
  expect(await outcomeOf(app)).toMatchObject({ cause, exitCode: 0 });
});

test("what went wrong is named in the agent's words", async () => {
  const refuse = (error: Error) => anAgent().onRequest("session/prompt", () => Promise.reject(error));
  expect(await outcomeOf(refuse(RequestError.authRequired(undefined, "401 bad key")))).toMatchObject({
    cause: EndCause.AGENT_NOT_AUTHENTICATED,
    message: expect.stringContaining("401 bad key"),
  });
  expect(await outcomeOf(refuse(RequestError.internalError({ details: "529 overloaded" })))).toMatchObject({
    cause: EndCause.AGENT_ERROR,
    message: expect.stringContaining("529 overloaded"),
  });
  const older = agent().onRequest("initialize", () => ({ protocolVersion: 0 }));
  expect(await outcomeOf(older)).toMatchObject({
    message: expect.stringContaining("speaks version 0 of the protocol"),
  });
});

test("a process that ends inside a turn has said what it had said", async () => {
  const app = anAgent().onRequest("session/prompt", async ({ params: { sessionId }, client }) => {
    const update = { sessionUpdate: "agent_message_chunk", content: words("Half a sen") } as const;
    await client.notify("session/update", { sessionId, update });
    return new Promise(() => undefined);
  });
  const { session, events } = converse(app);
  await expect.poll(() => acts(events).some((act) => act.case === "delta")).toBe(true);
  const conclusion = session.conclude({ kind: "signaled", signal: "SIGSEGV" });
  expect(conclusion).toEqual({
    outcome: {
      cause: EndCause.SIGNAL,
      signal: "SIGSEGV",
      message: "scripted was ended by SIGSEGV, which nobody here sent.",
    },
    result: "Half a sen",
  });
  expect(acts(events).at(-1)).toMatchObject({ case: "text", value: { text: "Half a sen" } });
});

test("no prompt follows a turn before the work is recorded as it left it", async () => {
  const { promise: recorded, resolve } = Promise.withResolvers<void>();
  const prompts: string[] = [];
  const app = anAgent().onRequest("session/prompt", ({ params: { prompt } }) => {
    prompts.push(...textsOf(prompt));
    return { stopReason: "end_turn" };
  });
  const { tell, events, ended } = converse(app, { recorded });
  tell("And then?");
  await expect.poll(() => acts(events).some(({ case: kind }) => kind === "turnResult")).toBe(true);
  await new Promise(setImmediate);
  expect(prompts).toEqual(["Go."]);
  resolve();
  await ended;
  expect(prompts).toEqual(["Go.", "And then?"]);
});
