import { readdirSync, readFileSync, statSync } from "node:fs";
import { toBinary } from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { AskState, BudgetScope } from "#gen/job/v1/ask_pb.js";
import { type JobEvent, JobEventSchema } from "#gen/job/v1/job_event_pb.js";
import { EndCause, JobState, PermissionMode, WaitingReason } from "#gen/job/v1/job_pb.js";
import type { RecordedRequest } from "../../../e2e/model/request-log.ts";
import { answer, overloaded, rateLimited, refusal, text, toolUse, type Usage } from "../../../e2e/model/turn.ts";
import { type AgentRunner, asks, openAgentRunner, valuesOf } from "../../testing/agent-runner.ts";
import { makeDataDirectory } from "../../testing/start-runner.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const apiKey = "sk-ant-a-key-of-the-operator-that-no-job-may-see";
const data = makeDataDirectory();
let agents: AgentRunner;

beforeAll(async () => {
  agents = await openAgentRunner(data.path, { ANTHROPIC_API_KEY: apiKey });
});

afterAll(async () => {
  await agents[Symbol.asyncDispose]();
  data.remove();
});

const work = { permissionMode: PermissionMode.BYPASS, model: "claude-opus-5-5" };
const bash = (command: string, usage = cents) =>
  answer([toolUse("Bash", { command, description: "Run it" })], { usage });
const say = (words: string, usage = cents) => answer([text(words)], { usage });
const scouts = (usage = cents) => {
  const scout = { description: "Look around", prompt: "List the files", subagent_type: "general-purpose" };
  return answer([toolUse("Agent", scout), toolUse("Agent", { ...scout, description: "Look again" })], { usage });
};
/** Costs 1.4 cents. */
const cents: Usage = { inputTokens: 1000, outputTokens: 500, cacheReadTokens: 0, cacheWriteTokens: 0 };
const requestMicros = 14_000;

describe("what a job used", () => {
  test("is what the model served, to the token, sub-agents and repeated requests included", async () => {
    const usage = { inputTokens: 11, outputTokens: 222, cacheReadTokens: 3333, cacheWriteTokens: 444 };
    const { did, requests, end } = await agents.run({
      work,
      turns: [rateLimited(1), scouts(usage), refusal(500, "api_error"), say("They are back.", usage)],
      subagent: [bash("ls", { ...usage, hourCacheWriteTokens: 100 }), say("Nothing here.", usage)],
    });
    expect(end.outcome).toMatchObject({ cause: EndCause.COMPLETED });
    const usages = valuesOf(did, "usage");
    expect(requests).toHaveLength(8);
    expect(usages).toHaveLength(6);
    for (const { requestId, model } of usages) {
      expect(requestId).toMatch(/^req_\d+$/);
      expect(model).toBe("claude-opus-5-5");
    }
    expect(total(usages.map((each) => each.usage))).toMatchObject(served(requests));
    const [turn] = valuesOf(did, "turnResult");
    expect(total(usages.map((each) => each.usage))).toMatchObject({
      input: Number(turn?.usage?.inputTokens),
      output: Number(turn?.usage?.outputTokens),
    });
    // The program rounds nothing, the proxy each request.
    const cost = usages.reduce((sum, each) => sum + Number(each.usage?.costMicros), 0);
    expect(Math.abs(cost - Number(turn?.usage?.costMicros))).toBeLessThanOrEqual(usages.length);
  });

  test("counts of a stream that broke off what was reported", async () => {
    const until = agents.model.until((requests) => requests.some(({ body }) => body.includes("Cut me off")));
    const disturbance = { kind: "cut", afterEvents: 4, until } as const;
    const { did, requests } = await agents.run({
      work: { ...work, prompt: "Cut me off" },
      turns: [answer([text("one two three")], { disturbance, usage: cents }), say("Whole.")],
    });
    expect(total(valuesOf(did, "usage").map(({ usage }) => usage))).toMatchObject(served(requests));
    expect(requests).toHaveLength(2);
  });

  test("is told by the runner as its day's spending", async () => {
    const { info: before } = await agents.client.getRunner({});
    await agents.run({ work, turns: [say("Hello.")] });
    const { info } = await agents.client.getRunner({});
    expect(Number(info?.daySpentMicros) - Number(before?.daySpentMicros)).toBe(requestMicros);
    expect(info?.dayBudgetMicros).toBe(0n);
  });
});

describe("a budget", () => {
  const spendthrift = {
    work,
    limits: { budgetMicros: 50_000n },
    turns: Array(16).fill(scouts()),
    subagent: [...Array(10).fill(bash("true")), say("Nothing here.")],
  };

  test("stops spending within one request, goes on in the same session when raised, and ends the job when not", async () => {
    const request = await agents.start(spendthrift);
    const ask = await agents.ask(request);
    expect(ask).toMatchObject({ state: AskState.OPEN, question: { case: "budget" } });
    const spent = () => requestMicros * agents.traces(request).requests.length;
    expect(ask.question.value).toMatchObject({
      spentMicros: BigInt(spent()),
      limitMicros: 50_000n,
      scope: BudgetScope.JOB,
    });
    expect(spent()).toBeLessThan(50_000 + requestMicros);
    await agents.decide(request, ask, { case: "raiseBudget", value: { limitMicros: 150_000n } });
    const again = await agents.ask(request, 1);
    expect(spent()).toBeGreaterThanOrEqual(150_000);
    expect(spent()).toBeLessThan(150_000 + requestMicros);
    await agents.decide(request, again, { case: "deny", value: {} });
    const { events, end, did } = await agents.finish(request);
    expect(end.outcome).toMatchObject({
      cause: EndCause.BUDGET_EXHAUSTED,
      message: expect.stringContaining("raise limits.budget_micros"),
    });
    expect(spent()).toBeLessThan(150_000 + requestMicros);
    expect(valuesOf(did, "session")).toHaveLength(1);
    expect(waits(events)).toEqual([WaitingReason.BUDGET, "running", WaitingReason.BUDGET, "running"]);
    expect(asks(events).map(({ state }) => state)).toEqual([
      ...[AskState.OPEN, AskState.DECIDED, AskState.OPEN, AskState.DECIDED],
    ]);
  });

  test("that was raised lets the agent finish what it was at", async () => {
    const request = await agents.start({
      work,
      limits: { budgetMicros: 10_000n },
      turns: [bash("printf a >> ran.txt"), say("Done.")],
    });
    const ask = await agents.ask(request);
    expect(agents.traces(request).requests).toHaveLength(1);
    await agents.decide(request, ask, { case: "raiseBudget", value: { limitMicros: 1_000_000n } });
    const { end, file, requests } = await agents.finish(request);
    expect(end).toMatchObject({ result: "Done.", outcome: { cause: EndCause.COMPLETED } });
    expect(file("ran.txt")).toBe("a");
    expect(requests).toHaveLength(2);
  });

  test("is no longer asked for when the job is canceled", async () => {
    const request = await agents.start({ ...spendthrift, limits: { budgetMicros: 1n } });
    await agents.ask(request);
    await agents.client.stopJob({ jobId: request.jobId, attempt: 1, cause: EndCause.CANCELED });
    const { events, end } = await agents.finish(request);
    expect(end.outcome).toMatchObject({ cause: EndCause.CANCELED });
    expect(asks(events).map(({ state }) => state)).toEqual([AskState.OPEN, AskState.WITHDRAWN]);
  });
});

describe("a budget of the day", () => {
  const dayData = makeDataDirectory();
  let frugal: AgentRunner | undefined;
  afterEach(async () => {
    await frugal?.[Symbol.asyncDispose]();
    dayData.remove();
  });

  test("bounds all jobs together, also after a restart, and is raised for one job alone", async () => {
    frugal = await openAgentRunner(dayData.path, { DAY_BUDGET_USD: "0.02" });
    await frugal.run({ work, turns: [say("One.")] });
    await frugal.restart("SIGTERM");
    await frugal.run({ work, turns: [say("Two.")] });
    expect((await frugal.client.getRunner({})).info).toMatchObject({
      daySpentMicros: 28_000n,
      dayBudgetMicros: 20_000n,
    });
    const request = await frugal.start({ work, turns: [say("Three.")] });
    const ask = await frugal.ask(request);
    const value = { spentMicros: 28_000n, limitMicros: 20_000n, scope: BudgetScope.DAY };
    expect(ask.question).toMatchObject({ case: "budget", value });
    await frugal.decide(request, ask, { case: "raiseBudget", value: { limitMicros: 100_000n } });
    expect((await frugal.finish(request)).end.result).toBe("Three.");
    const other = await frugal.start({ work, turns: [say("Four.")] });
    await frugal.decide(other, await frugal.ask(other), { case: "deny", value: {} });
    expect((await frugal.finish(other)).end.outcome?.cause).toBe(EndCause.BUDGET_EXHAUSTED);
  });
});

describe("a provider", () => {
  test("that limits the rate is waited for, as long as it says", async () => {
    const { events, did, end, requests } = await agents.run({ work, turns: [rateLimited(2), say("At last.")] });
    expect(end.result).toBe("At last.");
    expect(requests).toHaveLength(2);
    expect(waits(events)).toEqual([WaitingReason.RATE_LIMIT, "running"]);
    const [limit] = valuesOf(did, "rateLimit");
    expect(limit).toMatchObject({ kind: "rate_limit_error", attempt: 1, httpStatus: 429 });
    const [waited, running] = events
      .filter(isWaitChange)
      .map(({ time }) => Number(time?.seconds) * 1e3 + Number(time?.nanos) / 1e6);
    expect(Number(running) - Number(waited)).toBeGreaterThan(1990);
  });

  test("that is overloaded is tried again, more and more seldom", async () => {
    const { events, did, end, requests } = await agents.run({
      work,
      turns: [overloaded(), overloaded(), say("At last.")],
    });
    expect(end.result).toBe("At last.");
    expect(requests).toHaveLength(3);
    expect(valuesOf(did, "rateLimit")).toMatchObject([
      { kind: "overloaded_error", attempt: 1, httpStatus: 529 },
      { kind: "overloaded_error", attempt: 2, httpStatus: 529 },
    ]);
    expect(valuesOf(did, "rateLimit").every(({ until }) => until === undefined)).toBe(true);
    expect(waits(events)).toEqual([WaitingReason.RATE_LIMIT, "running", WaitingReason.RATE_LIMIT, "running"]);
  });

  test("that says to come back tomorrow ends the job with that reason, and is not pressed", async () => {
    const { end, requests } = await agents.run({ work, turns: Array(50).fill(rateLimited(86_400)) });
    expect(end.outcome).toMatchObject({ cause: EndCause.AGENT_ERROR, message: expect.stringContaining("429") });
    expect(requests.length).toBeLessThanOrEqual(2);
  });

  test("that only fails ends the job with its error, after a few tries", async () => {
    const { end, requests } = await agents.run({ work, turns: Array(100).fill(refusal(500, "api_error")) });
    expect(end.outcome).toMatchObject({ cause: EndCause.AGENT_ERROR, message: expect.stringContaining("api_error") });
    expect(requests.length).toBeLessThanOrEqual(8);
  });

  test("that sends what is no JSON is asked again", async () => {
    const garbled = answer([text("one two")], { disturbance: { kind: "garble", afterEvents: 4 }, usage: cents });
    const { end, requests } = await agents.run({ work, turns: [garbled, say("Whole.")] });
    expect(end.result).toBe("Whole.");
    expect(requests).toHaveLength(2);
  });

  test("that never sends anything else ends the job", async () => {
    const garbled = answer([text("one two")], { disturbance: { kind: "garble", afterEvents: 0 }, usage: cents });
    const { end, requests } = await agents.run({ work, turns: Array(100).fill(garbled) });
    expect(end.outcome?.cause).toBe(EndCause.AGENT_ERROR);
    expect(requests.length).toBeLessThanOrEqual(10);
  });

  test("that is slow is waited for, and its words come as it says them", async () => {
    const slow = answer([text("one two three four")], { eventGapMs: 100, usage: cents });
    const { events, end } = await agents.run({ work, turns: [slow] });
    expect(end.result).toBe("one two three four");
    expect(waits(events)).toEqual([]);
  });
});

test("the key is nowhere in a job: not in its environment, its processes, its files or its events", async () => {
  // Of every process that it sees, what builds its box among them.
  const look = "env; cat /proc/*/environ; cat /proc/*/cmdline; ps axww; ls -la .. ../..";
  const request = await agents.start({
    work,
    limits: { budgetMicros: 10_000n },
    turns: [bash(`(${look}) 2>/dev/null`), say("Looked.")],
  });
  const ask = await agents.ask(request);
  const directory = `${data.path}/jobs/${request.jobId}`;
  expect(statSync(`${directory}/model.sock`).mode & 0o777).toBe(0o600);
  for (const bytes of filesUnder(data.path)) expectNoKey(bytes);
  await agents.decide(request, ask, { case: "raiseBudget", value: { limitMicros: 1_000_000n } });
  const { events, did, end } = await agents.finish(request);
  expect(end.result).toBe("Looked.");
  expect(valuesOf(did, "toolResult")[0]?.text).toContain("ANTHROPIC_API_KEY=");
  for (const event of events) expectNoKey(Buffer.from(toBinary(JobEventSchema, event)));
  for (const bytes of filesUnder(data.path)) expectNoKey(bytes);
  expect(readdirSync(directory)).not.toContain("model.sock");
});

test("a key that an agent has come by all the same is hidden in what it says and does", async () => {
  const letters = apiKey.split("").join("''");
  const turns = [bash(`echo ${letters}; echo ${letters} | base64 -w 0`), say(`It is ${apiKey}, I think.`)];
  const { events, did, end } = await agents.run({ work, turns });
  const hidden = "*".repeat(apiKey.length);
  expect(end.result).toBe(`It is ${hidden}, I think.`);
  expect(valuesOf(did, "toolResult")[0]?.text).toContain(`${hidden}\n*****`);
  const deltas = valuesOf(did, "delta").map(({ content }) => (content.case === "text" ? content.value : ""));
  expect(deltas.join("")).toBe(`It is ${hidden}, I think.`);
  for (const event of events) expectNoKey(Buffer.from(toBinary(JobEventSchema, event)));
});

type StateEvent = JobEvent & { readonly payload: { readonly case: "stateChanged" } };

/** Changes of the state after the one that begins it. */
function isWaitChange(event: JobEvent): event is StateEvent {
  return event.payload.case === "stateChanged" && event.payload.value.placement === undefined;
}

function waits(events: readonly JobEvent[]): (WaitingReason | "running" | undefined)[] {
  return events.filter(isWaitChange).map(({ payload: { value } }) => {
    if (value.status?.state === JobState.RUNNING) return "running";
    return value.status?.detail.case === "waiting" ? value.status.detail.value.reason : undefined;
  });
}

interface TokenCounts {
  readonly inputTokens: bigint | number;
  readonly outputTokens: bigint | number;
  readonly cacheReadTokens: bigint | number;
  readonly cacheWriteTokens: bigint | number;
}

function total(usages: readonly (TokenCounts | undefined)[]) {
  const sum = (name: keyof TokenCounts) => usages.reduce((tokens, usage) => tokens + Number(usage?.[name]), 0);
  return {
    input: sum("inputTokens"),
    output: sum("outputTokens"),
    cacheRead: sum("cacheReadTokens"),
    cacheWrite: sum("cacheWriteTokens"),
  };
}

function served(requests: readonly RecordedRequest[]) {
  return total(requests.map((request) => request.served?.usage));
}

function filesUnder(directory: string): Buffer[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => (entry.isFile() ? readIfThere(`${entry.parentPath}/${entry.name}`) : []));
}

/** A program that runs may have removed it meanwhile. */
function readIfThere(path: string): Buffer[] {
  try {
    return [readFileSync(path)];
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

function expectNoKey(text: string | Buffer): void {
  const key = Buffer.from(apiKey);
  // Base64 depends on where in three bytes it begins.
  const inBase64 = [0, 1, 2].map((skip) => key.subarray(skip).toString("base64").replace(/=+$/, "").slice(0, -1));
  for (const form of [apiKey, key.toString("hex"), ...inBase64]) expect(text.includes(form)).toBe(false);
}
