import { existsSync, writeFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { AskState } from "#gen/job/v1/ask_pb.js";
import { type JobEvent, type Message, MessageSchema, MessageState } from "#gen/job/v1/job_event_pb.js";
import { ActorKind, EndCause, JobState, PermissionMode, WaitingReason } from "#gen/job/v1/job_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { randomId } from "#protocol/id.ts";
import { answer, text, toolUse } from "../../../../e2e/model/turn.ts";
import {
  type AgentRunner,
  agentEvents,
  ana,
  asks,
  messages,
  openAgentRunner,
  valuesOf,
} from "../../../testing/agent-runner.ts";
import { type NumberedEvent, startRequest, story } from "../../../testing/jobs.ts";
import { makeDataDirectory } from "../../../testing/start-runner.ts";
import { sessionIdOf } from "./session-id.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const data = makeDataDirectory();
let agents: AgentRunner;

beforeAll(async () => {
  agents = await openAgentRunner(data.path);
});

afterAll(async () => {
  await agents[Symbol.asyncDispose]();
  data.remove();
});

const bash = (command: string) => answer([toolUse("Bash", { command, description: "Run it" })]);
const say = (words: string) => answer([text(words)]);
/** Appends a letter to a file: the file tells how often it ran. */
const append = (letter: string) => bash(`printf ${letter} >> ran.txt`);

describe("an ask", () => {
  test("waits for its decision, and the tool then runs once", async () => {
    const request = await agents.start({ turns: [append("a"), say("Done.")] });
    const ask = await agents.ask(request);
    expect(ask).toMatchObject({
      jobId: request.jobId,
      state: AskState.OPEN,
      question: {
        case: "permission",
        value: { tool: "Bash", inputJson: expect.stringContaining("printf a >> ran.txt"), reason: "Run it" },
      },
    });
    expect(agents.traces(request).requests).toHaveLength(1);
    await agents.decide(request, ask, { case: "allow", value: {} });
    await agents.decide(request, ask, { case: "deny", value: { message: "too late" } });
    const { events, end, file } = await agents.finish(request);
    expect(file("ran.txt")).toBe("a");
    expect(asks(events).map(({ state }) => state)).toEqual([AskState.OPEN, AskState.DECIDED]);
    expect(asks(events)[1]).toMatchObject({ id: ask.id, decision: { actor: ana, verdict: { case: "allow" } } });
    expect(end).toMatchObject({ outcome: { cause: EndCause.COMPLETED }, unknownLines: 0 });
  });

  test("has the job wait meanwhile", async () => {
    const request = await agents.start({ turns: [append("a"), say("Done.")] });
    await agents.decide(request, await agents.ask(request), { case: "allow", value: {} });
    const { events } = await agents.finish(request);
    const statuses = events.flatMap(({ payload }) => (payload.case === "stateChanged" ? [payload.value.status] : []));
    expect(statuses).toMatchObject([
      { state: JobState.RUNNING },
      { state: JobState.WAITING, detail: { value: { reason: WaitingReason.ASK, until: asks(events)[0]?.expireTime } } },
      { state: JobState.RUNNING },
    ]);
  });

  test("that is denied with a message tells the model the message", async () => {
    const request = await agents.start({ turns: [append("a"), say("Pity.")] });
    await agents.decide(request, await agents.ask(request), { case: "deny", value: { message: "use the other file" } });
    const { did, end, requests } = await agents.finish(request);
    expect(valuesOf(did, "toolResult")).toMatchObject([{ isError: true, text: "use the other file" }]);
    expect(JSON.stringify(requests[1]?.call?.body.messages)).toContain("use the other file");
    expect(end.outcome?.message).toContain("1 tool call was denied");
    expect(existsSync(`${data.path}/jobs/${request.jobId}/workspace/ran.txt`)).toBe(false);
  });

  test("that the gateway denies for want of an answer has expired", async () => {
    const request = await agents.start({ turns: [append("a"), say("Pity.")] });
    const { id: askId } = await agents.ask(request);
    const actor = { kind: ActorKind.GATEWAY, id: "" };
    const verdict = { case: "deny", value: { message: "Nobody answered in time." } } as const;
    await agents.client.decideAsk({ ...held(request), askId, decision: { actor, verdict } });
    const { events, did } = await agents.finish(request);
    expect(asks(events).at(-1)?.state).toBe(AskState.EXPIRED);
    expect(valuesOf(did, "toolResult")).toMatchObject([{ isError: true, text: "Nobody answered in time." }]);
  });

  test("that is allowed with another input runs that input", async () => {
    const request = await agents.start({ turns: [append("a"), say("Done.")] });
    const inputJson = JSON.stringify({ command: "printf b >> ran.txt", description: "Run it" });
    await agents.decide(request, await agents.ask(request), { case: "allow", value: { inputJson } });
    expect((await agents.finish(request)).file("ran.txt")).toBe("b");
  });

  test("that is allowed with its suggested rule is the last of its kind", async () => {
    const touch = (name: string) => bash(`touch ${name}`);
    const request = await agents.start({ turns: [touch("a"), touch("a"), touch("b"), say("Done.")] });
    const first = await agents.ask(request);
    if (first.question.case !== "permission") throw new Error(`it is about a ${first.question.case}`);
    const [rule = ""] = first.question.value.suggestedRules;
    await agents.decide(request, first, { case: "allow", value: { rule } });
    const second = await agents.ask(request, 1);
    expect(second.question.value).toMatchObject({ inputJson: expect.stringContaining("touch b") });
    await agents.decide(request, second, { case: "allow", value: {} });
    const { events, did } = await agents.finish(request);
    expect(valuesOf(did, "toolResult").map(({ isError }) => isError)).toEqual([false, false, false]);
    expect(asks(events)).toHaveLength(4);
  });

  test("of a sub-agent names the call that it works for", async () => {
    const scout = { description: "Look", prompt: "Look around", subagent_type: "general-purpose" };
    const request = await agents.start({
      turns: [answer([toolUse("Agent", scout, "toolu_scout")]), say("Done.")],
      subagent: [append("a"), say("Looked.")],
    });
    const ask = await agents.ask(request);
    expect(ask.parentToolCallId).toBe("toolu_scout");
    await agents.decide(request, ask, { case: "allow", value: {} });
    expect((await agents.finish(request)).file("ran.txt")).toBe("a");
  });

  test("with questions gets their answers", async () => {
    const question = (words: string, multiSelect: boolean) => ({
      question: words,
      header: "Color",
      multiSelect,
      options: ["Red", "Blue"].map((label) => ({ label, description: `${label}, that is` })),
    });
    const questions = [question("Which color?", false), question("Which others?", true)];
    const request = await agents.start({ turns: [answer([toolUse("AskUserQuestion", { questions })]), say("Fine.")] });
    const ask = await agents.ask(request);
    expect(ask.question).toMatchObject({
      case: "questions",
      value: {
        questions: [
          { text: "Which color?", multiple: false, choices: [{ label: "Red" }, { label: "Blue" }] },
          { multiple: true },
        ],
      },
    });
    const answers = [{ values: ["Blue"] }, { values: ["Red", "Blue"] }];
    await agents.decide(request, ask, { case: "answers", value: { answers } });
    const { did } = await agents.finish(request);
    const [result] = valuesOf(did, "toolResult");
    expect(result?.text).toContain('"Which color?"="Blue"');
    expect(result?.text).toContain('"Which others?"="Red, Blue"');
  });

  test("for a plan shows the plan, and its approval ends plan mode", async () => {
    const plan = "# Plan\n\n1. Append a letter.";
    const request = await agents.start({
      work: { permissionMode: PermissionMode.PLAN },
      turns: [answer([toolUse("ExitPlanMode", { plan })]), append("a"), say("Done.")],
    });
    const ask = await agents.ask(request);
    expect(ask.question).toMatchObject({ case: "plan", value: { plan } });
    await agents.decide(request, ask, { case: "allow", value: {} });
    await agents.decide(request, await agents.ask(request, 1), { case: "allow", value: {} });
    const { did, file } = await agents.finish(request);
    const { PLAN, ASK } = PermissionMode;
    const change = { mode: ASK, previousMode: PLAN, loosened: true };
    expect(valuesOf(did, "permissionModeChanged")).toMatchObject([change]);
    expect(valuesOf(did, "permissionModeChanged")[0]?.actor).toBeUndefined();
    expect(file("ran.txt")).toBe("a");
  });

  test("outlives its runner, and the decision arrives once", async () => {
    const request = await agents.start({ turns: [append("a"), say("Done.")] });
    const ask = await agents.ask(request);
    await agents.restart("SIGKILL");
    await agents.decide(request, ask, { case: "allow", value: {} });
    await agents.decide(request, ask, { case: "allow", value: {} });
    const { events, file } = await agents.finish(request);
    expect(file("ran.txt")).toBe("a");
    expect(asks(events).map(({ state }) => state)).toEqual([AskState.OPEN, AskState.DECIDED]);
  });
});

describe("a message", () => {
  test("that is queued reaches the model at the end of the step, and one that was withdrawn never", async () => {
    const turns = [bash(untilTold), say("First."), say("Never said.")];
    const request = await agents.start({ work: bypass, turns });
    await agents.until(request, hasCalled("Bash"));
    const [kept, changed] = [makeMessage("keep this"), makeMessage("change this")];
    const withdrawn = makeMessage("withdraw this");
    for (const message of [kept, changed, withdrawn]) await agents.send(request, message);
    await agents.send(request, { ...changed, text: "changed to that" });
    await agents.send(request, { ...withdrawn, state: MessageState.WITHDRAWN });
    tell(request);
    const { events, requests, end } = await agents.finish(request);
    const heard = JSON.stringify(requests[1]?.call?.body.messages);
    expect(
      ["keep this", "changed to that", "change this", "withdraw this"].map((words) => heard.includes(words)),
    ).toEqual([...[true, true, false, false]]);
    const { QUEUED, CONSUMED, WITHDRAWN } = MessageState;
    expect(statesOf(events, kept)).toEqual([QUEUED, CONSUMED]);
    expect(statesOf(events, changed)).toEqual([QUEUED, QUEUED, CONSUMED]);
    expect(statesOf(events, withdrawn)).toEqual([QUEUED, WITHDRAWN]);
    expect(end).toMatchObject({ result: "First.", outcome: { cause: EndCause.COMPLETED } });
  });

  test("that comes in the last turn starts another, in which the agent remembers", async () => {
    const { turn, release } = heldBack("The word is plum.");
    const request = await agents.start({ work: bypass, turns: [turn, say("Plum.")] });
    await agents.model.until((requests) => requests.some(({ call }) => call?.session === sessionIdOf(request.jobId)));
    const message = makeMessage("Which word?");
    await agents.send(request, message);
    release();
    const { events, did, requests, end } = await agents.finish(request);
    expect(JSON.stringify(requests[1]?.call?.body.messages)).toMatch(/The word is plum.*Which word\?/);
    expect(valuesOf(did, "turnResult").map(({ text: words }) => words)).toEqual(["The word is plum.", "Plum."]);
    expect(statesOf(events, message)).toEqual([MessageState.QUEUED, MessageState.CONSUMED]);
    expect(end.result).toBe("Plum.");
  });

  test("does not buy more turns than the limit", async () => {
    const { turn, release } = heldBack("First.");
    const limits = { maxTurns: 2 };
    const request = await agents.start({ work: bypass, limits, turns: [turn, append("a"), say("Never said.")] });
    await agents.model.until((requests) => requests.some(({ call }) => call?.session === sessionIdOf(request.jobId)));
    await agents.send(request, makeMessage("And then?"));
    release();
    const { requests, end, file } = await agents.finish(request);
    expect(file("ran.txt")).toBe("a");
    expect(requests).toHaveLength(2);
    expect(end.outcome?.cause).toBe(EndCause.TURN_LIMIT);
  });

  test("interrupts a tool, and steers the agent in the same session", async () => {
    const request = await agents.start({ work: bypass, turns: [bash(untilTold), say("As you say.")] });
    await agents.until(request, hasCalled("Bash"));
    const message = { ...makeMessage("Rather not."), interrupt: true };
    await agents.send(request, message);
    const { events, did, requests, end } = await agents.finish(request);
    expect(story(events).filter((word) => word === "interrupted")).toHaveLength(1);
    expect(valuesOf(did, "toolResult")).toMatchObject([{ isError: true }]);
    expect(valuesOf(did, "turnResult").map(({ isError }) => isError)).toEqual([true, false]);
    expect(JSON.stringify(requests[1]?.call?.body.messages)).toContain("Rather not.");
    expect(statesOf(events, message)).toEqual([MessageState.QUEUED, MessageState.CONSUMED]);
    expect(end).toMatchObject({ result: "As you say.", outcome: { cause: EndCause.COMPLETED } });
  });

  test("that interrupts an ask withdraws the ask", async () => {
    const request = await agents.start({ turns: [append("a"), say("As you say.")] });
    await agents.ask(request);
    await agents.send(request, { ...makeMessage("Rather not."), interrupt: true });
    const { events, end } = await agents.finish(request);
    expect(asks(events).map(({ state }) => state)).toEqual([AskState.OPEN, AskState.WITHDRAWN]);
    expect(end.result).toBe("As you say.");
  });

  test("to an agent that has ended is refused", async () => {
    const request = await agents.start({ turns: [say("Done.")] });
    await agents.finish(request);
    await expect(agents.send(request, makeMessage("Still there?"))).rejects.toThrow("the attempt has ended");
  });
});

describe("the permission mode", () => {
  test("is tightened while the agent works", async () => {
    const request = await agents.start({ work: bypass, turns: [bash(untilTold), append("a"), say("Done.")] });
    await agents.until(request, hasCalled("Bash"));
    await agents.client.setPermissionMode({ ...held(request), mode: PermissionMode.ASK, actor: ana });
    tell(request);
    await agents.decide(request, await agents.ask(request), { case: "deny", value: {} });
    const { did } = await agents.finish(request);
    const { ASK, BYPASS } = PermissionMode;
    expect(valuesOf(did, "permissionModeChanged")).toMatchObject([
      { mode: ASK, previousMode: BYPASS, actor: ana, loosened: false },
    ]);
  });

  test("is loosened while the agent works, and that is told", async () => {
    const request = await agents.start({ turns: [append("a"), append("b"), say("Done.")] });
    const ask = await agents.ask(request);
    await agents.client.setPermissionMode({ ...held(request), mode: PermissionMode.BYPASS, actor: ana });
    await agents.client.setPermissionMode({ ...held(request), mode: PermissionMode.BYPASS, actor: ana });
    await agents.decide(request, ask, { case: "allow", value: {} });
    const { did, events, file } = await agents.finish(request);
    const { ASK, BYPASS } = PermissionMode;
    expect(valuesOf(did, "permissionModeChanged")).toMatchObject([
      { mode: BYPASS, previousMode: ASK, actor: ana, loosened: true },
    ]);
    expect(asks(events)).toHaveLength(2);
    expect(file("ran.txt")).toBe("ab");
  });
});

describe("an agent", () => {
  test("is interrupted before it is stopped", async () => {
    const request = await agents.start({ work: bypass, turns: [bash(untilTold), say("Never said.")] });
    await agents.until(request, hasCalled("Bash"));
    const message = makeMessage("Too late.");
    await agents.send(request, message);
    await agents.client.stopJob({ ...held(request), cause: EndCause.CANCELED, actor: ana });
    const { events, end } = await agents.finish(request);
    expect(
      story(events)
        .slice(story(events).indexOf("stopRequested"))
        .filter((word) => word !== "agent"),
    ).toEqual([...["stopRequested", "interrupted", "exited", "phaseChanged", "attemptEnded"]]);
    expect(statesOf(events, message)).toEqual([MessageState.QUEUED, MessageState.UNDELIVERED]);
    expect(end.outcome).toMatchObject({ cause: EndCause.CANCELED, actor: ana });
  });

  test("is what can be steered; a task is not", async () => {
    const request = startRequest("sleep 600");
    await agents.client.startJob(request);
    const { client } = agents;
    const calls = [
      () => client.setPermissionMode({ ...held(request), mode: PermissionMode.PLAN }),
      () => agents.send(request, makeMessage("Hello?")),
      () => agents.decide(request, { id: "ask_0123456789abcdef" }, { case: "allow", value: {} }),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: Code.FailedPrecondition });
    await client.releaseJob(held(request));
  });
});

const bypass = { permissionMode: PermissionMode.BYPASS };
const untilTold = "until [ -e go ]; do sleep 0.02; done; echo gone";

/** What the model begins to say, and says to its end once it is released. */
function heldBack(words: string) {
  const gate = Promise.withResolvers<void>();
  const disturbance = { kind: "hold", afterEvents: 3, until: gate.promise } as const;
  return { turn: answer([text(words)], { disturbance }), release: () => gate.resolve() };
}

function tell({ jobId }: StartJobRequest): void {
  writeFileSync(`${data.path}/jobs/${jobId}/workspace/go`, "");
}

function hasCalled(tool: string) {
  return (events: readonly NumberedEvent[]) =>
    valuesOf(agentEvents(events), "toolCall").some((call) => call.tool === tool);
}

function makeMessage(words: string): Message {
  return create(MessageSchema, { id: randomId("msg"), text: words, author: ana, state: MessageState.QUEUED });
}

function statesOf(events: readonly JobEvent[], { id }: Pick<Message, "id">): readonly MessageState[] {
  return messages(events).flatMap((message) => (message.id === id ? [message.state] : []));
}

function held({ jobId, attempt }: StartJobRequest) {
  return { jobId, attempt };
}
