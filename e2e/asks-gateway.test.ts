import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Ask,
  AskRuleVerdict,
  AskSchema,
  AskState,
  BudgetAskSchema,
  BudgetScope,
  DecisionSchema,
  QuestionAskSchema,
} from "#gen/job/v1/ask_pb.js";
import { MessageState } from "#gen/job/v1/job_event_pb.js";
import { ActorKind, type Job, JobState, PermissionMode } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { randomId } from "#protocol/id.ts";
import { problemError } from "#protocol/problem.ts";
import { type SpecInit, watchToEnd } from "./system/jobs.ts";
import { refusalOf } from "./system/refusal.ts";
import { type ScriptedAttempt, ScriptedRunner, type SteeringCall } from "./system/scripted-runner.ts";
import { startGateway, type TestGateway } from "./system/start-gateway.ts";

let gateway: TestGateway;
const runner = new ScriptedRunner();

beforeAll(async () => {
  await runner.open();
  gateway = await startGateway(runner.url);
});
afterAll(async () => {
  await gateway.stop();
  await runner.close();
});

async function createAgent(spec: SpecInit = {}): Promise<Job> {
  const work = { case: "agent", value: { agent: "claude", prompt: "go" } } as const;
  const { job } = await gateway.jobs.createJob({ spec: { repoRef: "test", work, ...spec } });
  if (job === undefined) throw new Error("createJob answered without a job");
  return job;
}

async function startAgent(spec: SpecInit = {}): Promise<{ id: string; attempt: ScriptedAttempt }> {
  const { id } = await createAgent(spec);
  return { id, attempt: await runner.attempt(id) };
}

function permission(jobId: string, command: string, more: MessageInitShape<typeof AskSchema> = {}): Ask {
  const now = Date.now();
  return create(AskSchema, {
    id: randomId("ask"),
    createTime: timestampFromMs(now),
    expireTime: timestampFromMs(now + 3_600_000),
    jobId,
    state: AskState.OPEN,
    question: {
      case: "permission",
      value: { tool: "Bash", toolCallId: "t", inputJson: JSON.stringify({ command }), workspace: "/w" },
    },
    ...more,
  });
}

const allow = { verdict: { case: "allow", value: {} } } as const;
const deny = { verdict: { case: "deny", value: {} } } as const;

/** The ask as its job has it. */
async function readAsk({ jobId, id }: Ask): Promise<Ask | undefined> {
  const { asks } = await gateway.jobs.listAsks({ jobId, states: [1, 2, 3, 4] });
  return asks.find((ask) => ask.id === id);
}

function callsOf(jobId: string): SteeringCall[] {
  return runner.calls.filter((call) => call.jobId === jobId);
}

async function readJob(id: string): Promise<Job | undefined> {
  return (await gateway.jobs.getJob({ id })).job;
}

/** Puts an ask to people and settles once the gateway has it. */
async function putAsk(attempt: ScriptedAttempt, ask: Ask): Promise<Ask> {
  attempt.ask(ask);
  await expect.poll(() => readAsk(ask)).toBeDefined();
  return ask;
}

function refTo({ jobId, id: askId }: Ask) {
  return { jobId, askId };
}

function openIds(): Promise<readonly string[]> {
  return gateway.jobs.listAsks({ pageSize: 200 }).then(({ asks }) => asks.map(({ id }) => id));
}

test("an ask is decided once, whoever is faster, and the runner is told until its event came back", async () => {
  const { id, attempt } = await startAgent();
  const ask = await putAsk(attempt, permission(id, "npm test"));
  expect((await readJob(id))?.openAsks).toBe(1);
  expect(await openIds()).toContain(ask.id);
  const answers = await Promise.all([
    refusalOf(gateway.jobs.decideAsk({ asks: [refTo(ask)], decision: allow })),
    refusalOf(gateway.jobs.decideAsk({ asks: [refTo(ask)], decision: deny })),
  ]);
  expect(answers.toSorted()).toEqual(["aborted already_decided", "accepted"]);
  expect(await openIds()).not.toContain(ask.id);
  const decided = await readAsk(ask);
  expect(decided?.decision).toMatchObject({ actor: { kind: ActorKind.CALLER, id: "local" }, rule: "" });
  expect((await readJob(id))?.openAsks).toBe(0);
  await expect.poll(() => callsOf(id).length, { timeout: 15_000 }).toBeGreaterThan(1);
  for (const call of callsOf(id)) expect(call).toMatchObject({ askId: ask.id, decision: decided?.decision });
  attempt.ask({ ...ask, state: AskState.DECIDED, ...(decided?.decision && { decision: decided.decision }) });
  const decisions = () => callsOf(id).filter(({ kind }) => kind === "decide").length;
  const delivered = async (text: string) => {
    await gateway.jobs.sendMessage({ id, action: { case: "send", value: { text } } });
    const last = () => callsOf(id).at(-1);
    await expect.poll(last, { timeout: 15_000 }).toMatchObject({ kind: "message", message: { text } });
  };
  await delivered("the gateway has the event");
  const told = decisions();
  await runner.close();
  await runner.open();
  await delivered("the runner is back");
  expect(decisions()).toBe(told);
});

test("the same decision of the same caller is answered again, another one is told who was first", async () => {
  const { id, attempt } = await startAgent();
  const ask = await putAsk(attempt, permission(id, "npm test"));
  const call = { asks: [refTo(ask)], decision: allow, idempotencyKey: "k1" };
  const first = await gateway.jobs.decideAsk(call);
  expect(await gateway.jobs.decideAsk(call)).toEqual(first);
  for (const other of [
    { ...call, idempotencyKey: "k2" },
    { ...call, decision: deny },
    { ...call, idempotencyKey: "" },
  ]) {
    await expect(gateway.jobs.decideAsk(other)).rejects.toThrow(/already allowed by local, \d+ s ago/);
  }
});

test.each<[string, Ask["question"], NonNullable<DecisionInit["verdict"]>, string]>([
  [
    "answers to a permission",
    permission("", "x").question,
    { case: "answers", value: { answers: [{ values: ["x"] }] } },
    "decision.answers",
  ],
  [
    "an input that is no object",
    permission("", "x").question,
    { case: "allow", value: { inputJson: "[1]" } },
    "decision.allow.input_json",
  ],
  [
    "too few answers",
    form(2),
    { case: "answers", value: { answers: [{ values: ["x"] }] } },
    "decision.answers.answers",
  ],
  [
    "two choices of one",
    form(1),
    { case: "answers", value: { answers: [{ values: ["a", "b"] }] } },
    "decision.answers.answers[0].values",
  ],
  ["a yes to questions", form(1), { case: "allow", value: {} }, "decision.allow"],
  [
    "a rule for a plan",
    { case: "plan", value: { $typeName: "blazecraft.job.v1.PlanAsk", plan: "p" } },
    { case: "allow", value: { rule: "Bash" } },
    "decision.allow.rule",
  ],
  [
    "a raise to what is spent",
    budget(70n),
    { case: "raiseBudget", value: { limitMicros: 70n } },
    "decision.raise_budget.limit_micros",
  ],
])("%s is refused, and the ask stays open", async (_, question, verdict, field) => {
  const { id, attempt } = await startAgent();
  const ask = await putAsk(attempt, { ...permission(id, "x"), question });
  const refusal = await refusalOf(gateway.jobs.decideAsk({ asks: [refTo(ask)], decision: { verdict } }));
  expect(refusal).toBe(`failed_precondition ask_closed ${field}`);
  expect((await readAsk(ask))?.state).toBe(AskState.OPEN);
});

test("of several asks those that can be are decided, and the answer tells of each", async () => {
  const one = await startAgent();
  const other = await startAgent();
  const asks = [permission(one.id, "a"), { ...permission(one.id, "b"), question: form(1) }, permission(other.id, "c")];
  for (const ask of asks) await putAsk(ask.jobId === one.id ? one.attempt : other.attempt, ask);
  const missing = { jobId: one.id, askId: randomId("ask") };
  const last = asks.at(-1)?.id ?? "";
  const refs = [...asks.slice(0, 2).map(refTo), { jobId: "", askId: last }, missing];
  const { asks: decided } = await gateway.jobs.decideAsk({ asks: refs, decision: allow });
  expect(decided.map(({ id, state }) => [id, state])).toEqual([
    [asks[0]?.id, AskState.DECIDED],
    [asks[1]?.id, AskState.OPEN],
    [last, AskState.DECIDED],
    [missing.askId, AskState.UNSPECIFIED],
  ]);
});

test("kill -9 of the gateway and a runner that is away lose no decision and no ask", async () => {
  const { id, attempt } = await startAgent();
  const [decidedBefore, openBefore] = [permission(id, "a"), permission(id, "b")];
  await putAsk(attempt, decidedBefore);
  await putAsk(attempt, openBefore);
  await runner.close();
  await gateway.jobs.decideAsk({ asks: [refTo(decidedBefore)], decision: allow });
  await gateway.gateway.kill("SIGKILL");
  await gateway.gateway.start();
  expect(await openIds()).toContain(openBefore.id);
  await gateway.jobs.decideAsk({ asks: [refTo(openBefore)], decision: deny });
  expect(callsOf(id)).toEqual([]);
  await runner.open();
  await expect
    .poll(
      () =>
        new Set(
          callsOf(id).map((call) => (call.kind === "decide" ? `${call.askId} ${call.decision.verdict.case}` : "")),
        ),
      { timeout: 30_000 },
    )
    .toEqual(new Set([`${decidedBefore.id} allow`, `${openBefore.id} deny`]));
}, 90_000);

test("an ask that nobody answers is denied when it expires, and that is said", async () => {
  const { id, attempt } = await startAgent();
  const expireTime = timestampFromMs(Date.now() + 1_000);
  const ask = await putAsk(attempt, { ...permission(id, "x"), expireTime });
  await expect.poll(async () => (await readAsk(ask))?.state, { timeout: 5_000 }).toBe(AskState.EXPIRED);
  expect((await readAsk(ask))?.decision).toMatchObject({
    actor: { kind: ActorKind.GATEWAY },
    verdict: { case: "deny", value: { message: "Nobody answered within 1 s, so it was denied." } },
  });
  await expect.poll(() => callsOf(id)).toMatchObject([{ askId: ask.id, decision: { verdict: { case: "deny" } } }]);
  const late = await refusalOf(gateway.jobs.decideAsk({ asks: [refTo(ask)], decision: allow }));
  expect(late).toBe("failed_precondition ask_closed");
});

test("a job that ends with its runner's knowledge or without leaves no ask open", async () => {
  const { id, attempt } = await startAgent();
  const asks = [await putAsk(attempt, permission(id, "a")), await putAsk(attempt, permission(id, "b"))];
  await gateway.jobs.decideAsk({ asks: asks.slice(1).map(refTo), decision: allow });
  attempt.write({ case: "attemptEnded", value: { outcome: { cause: 18 } } });
  const events = await watchToEnd(gateway, id);
  const told = events.flatMap(({ payload }) => (payload.case === "ask" ? [payload.value] : []));
  expect(told.slice(2).map(({ id: askId, state, decision }) => [askId, state, decision?.verdict.case])).toEqual([
    [asks[0]?.id, AskState.WITHDRAWN, undefined],
    [asks[1]?.id, AskState.WITHDRAWN, "allow"],
  ]);
  expect(await readJob(id)).toMatchObject({ openAsks: 0, status: { state: JobState.FAILED } });
  const open = await openIds();
  expect(asks.filter((ask) => open.includes(ask.id))).toEqual([]);
  await gateway.jobs.deleteJob({ id });
  const { asks: left } = await gateway.jobs.listAsks({ states: [1, 2, 3, 4], pageSize: 200 });
  expect(left.filter(({ jobId }) => jobId === id)).toEqual([]);
});

test("asks of all jobs are listed in pages, the oldest first", async () => {
  const { id, attempt } = await startAgent();
  const asks: Ask[] = [];
  for (let count = 0; count < 5; count += 1) asks.push(await putAsk(attempt, permission(id, `${count}`)));
  for (const jobId of [id, ""]) {
    const found: Ask[] = [];
    for (let pageToken = ""; ; ) {
      const page = await gateway.jobs.listAsks({ jobId, pageSize: 2, pageToken });
      expect(page.asks.length).toBeLessThanOrEqual(2);
      found.push(...page.asks);
      if (page.nextPageToken === "") break;
      pageToken = page.nextPageToken;
    }
    const ids = found.filter((ask) => ask.jobId === id).map((ask) => ask.id);
    expect(ids.toSorted()).toEqual(asks.map((ask) => ask.id).toSorted());
    const times = found.map(({ createTime }) => timestampMs(createTime ?? timestampFromMs(0)));
    expect(times).toEqual(times.toSorted((one, another) => one - another));
  }
});

test("a rule decides what is open over all jobs and what comes, counts it, and ends when it is revoked", async () => {
  const labels = { sweep: "one" };
  const one = await startAgent({ labels });
  const other = await startAgent({ labels });
  const foreign = await startAgent();
  const asks = [
    permission(one.id, "npm test"),
    permission(other.id, "npm test -- a"),
    permission(other.id, "rm -rf /"),
    permission(foreign.id, "npm test"),
  ];
  const attempts = [one.attempt, other.attempt, other.attempt, foreign.attempt];
  for (const [index, ask] of asks.entries()) await putAsk(attempts[index] ?? one.attempt, ask);
  const rule = { rule: "Bash(npm test:*)", labels: ["sweep=one"], verdict: AskRuleVerdict.ALLOW };
  const preview = await gateway.jobs.createAskRule({ rule, preview: true });
  expect(preview.rule?.id).toBe("");
  const idsOf = (found: readonly Ask[]) => found.map(({ id }) => id).toSorted();
  expect(idsOf(preview.asks)).toEqual(idsOf(asks.slice(0, 2)));
  for (const { state } of preview.asks) expect(state).toBe(AskState.OPEN);
  const call = { rule, idempotencyKey: "sweep-1" };
  const created = await gateway.jobs.createAskRule(call);
  const ruleId = created.rule?.id ?? "";
  expect(idsOf(created.asks)).toEqual(idsOf(asks.slice(0, 2)));
  for (const { decision } of created.asks) {
    expect(decision).toMatchObject({ rule: ruleId, actor: { id: "local" }, verdict: { case: "allow" } });
  }
  expect((await gateway.jobs.createAskRule(call)).rule?.id).toBe(ruleId);
  const late = await putAsk(one.attempt, permission(one.id, "npm test"));
  await expect.poll(async () => (await readAsk(late))?.decision?.rule).toBe(ruleId);
  await expect.poll(() => callsOf(one.id).length).toBeGreaterThan(1);
  const listed = (await gateway.jobs.listAskRules({})).rules.find(({ id }) => id === ruleId);
  expect(listed?.decided).toBe(3);
  await gateway.jobs.revokeAskRule({ id: ruleId });
  expect((await gateway.jobs.listAskRules({})).rules.map(({ id }) => id)).not.toContain(ruleId);
  const ended = (await gateway.jobs.listAskRules({ includeEnded: true })).rules.find(({ id }) => id === ruleId);
  expect(ended).toMatchObject({ decided: 3, revoker: { id: "local" } });
  const after = await putAsk(one.attempt, permission(one.id, "npm test"));
  expect(await openIds()).toContain(after.id);
  expect((await readAsk(after))?.state).toBe(AskState.OPEN);
});

test("a rule that denies is stronger than one that allows, and tells the agent", async () => {
  const { id, attempt } = await startAgent();
  const scope = { jobId: id };
  await gateway.jobs.createAskRule({ rule: { ...scope, rule: "Bash(rm:*)", verdict: AskRuleVerdict.DENY } });
  await gateway.jobs.createAskRule({ rule: { ...scope, rule: "Bash", verdict: AskRuleVerdict.ALLOW } });
  attempt.ask(permission(id, "rm -rf /"));
  await expect
    .poll(() => callsOf(id))
    .toMatchObject([{ decision: { verdict: { case: "deny", value: { message: "Denied by the rule Bash(rm:*)." } } } }]);
});

test("messages to a job that waits are kept, changed and withdrawn here, and delivered in order when it starts", async () => {
  const { id } = await createAgent({ runnerLabels: ["nowhere"] });
  const send = (text: string) =>
    gateway.jobs.sendMessage({ id, action: { case: "send", value: { text } }, idempotencyKey: text });
  const [one, two, three] = [await send("one"), await send("two"), await send("three")];
  expect((await send("one")).message).toEqual(one.message);
  const reused = gateway.jobs.sendMessage({
    id,
    action: { case: "send", value: { text: "x" } },
    idempotencyKey: "one",
  });
  expect(await refusalOf(reused)).toBe("already_exists idempotency_key_reused idempotency_key");
  await gateway.jobs.sendMessage({ id, action: { case: "withdrawId", value: two.message?.id ?? "" } });
  await gateway.jobs.sendMessage({ id, action: { case: "edit", value: { id: three.message?.id ?? "", text: "3" } } });
  const again = gateway.jobs.sendMessage({ id, action: { case: "withdrawId", value: two.message?.id ?? "" } });
  expect(await refusalOf(again)).toBe("failed_precondition message_consumed");
  await gateway.jobs.cancelJob({ id });
  const events = await watchToEnd(gateway, id);
  const told = events.flatMap(({ payload }) => (payload.case === "message" ? [payload.value] : []));
  expect(told.map(({ text, state }) => [text, state])).toEqual([
    ["one", MessageState.QUEUED],
    ["two", MessageState.QUEUED],
    ["three", MessageState.QUEUED],
    ["two", MessageState.WITHDRAWN],
    ["3", MessageState.QUEUED],
    ["one", MessageState.UNDELIVERED],
    ["3", MessageState.UNDELIVERED],
  ]);
});

test("messages and the mode reach the runner; what it has, it decides", async () => {
  await runner.close();
  const { id } = await createAgent();
  const send = (text: string) => gateway.jobs.sendMessage({ id, action: { case: "send", value: { text } } });
  const { message: first } = await send("first");
  await gateway.jobs.setPermissionMode({ id, mode: PermissionMode.ACCEPT_EDITS }).catch(() => undefined);
  await runner.open();
  const attempt = await runner.attempt(id);
  await expect.poll(() => callsOf(id)).toMatchObject([{ kind: "message", message: { text: "first" } }]);
  await send("second");
  await expect.poll(() => callsOf(id).length).toBe(2);
  runner.onCall = () => {
    throw problemError({
      code: Code.FailedPrecondition,
      reason: ProblemReason.MESSAGE_CONSUMED,
      message: "gone",
      action: "None.",
    });
  };
  const edit = gateway.jobs.sendMessage({ id, action: { case: "edit", value: { id: first?.id ?? "", text: "x" } } });
  expect(await refusalOf(edit)).toBe("failed_precondition message_consumed");
  runner.onCall = ({ kind }) => {
    const value = { mode: PermissionMode.PLAN, previousMode: PermissionMode.ASK };
    if (kind === "mode") attempt.write({ case: "agent", value: { event: { case: "permissionModeChanged", value } } });
  };
  const { job } = await gateway.jobs.setPermissionMode({ id, mode: PermissionMode.PLAN });
  expect(job?.permissionMode).toBe(PermissionMode.PLAN);
  runner.onCall = () => {};
  await runner.close();
  const away = gateway.jobs.setPermissionMode({ id, mode: PermissionMode.ASK });
  expect(await refusalOf(away)).toBe("unavailable runner_offline");
  await runner.open();
}, 60_000);

test("at most a hundred messages wait", async () => {
  const { id } = await createAgent({ runnerLabels: ["nowhere"] });
  const send = () => gateway.jobs.sendMessage({ id, action: { case: "send", value: { text: "x" } } });
  await Promise.all(Array.from({ length: 100 }, send));
  expect(await refusalOf(send())).toBe("resource_exhausted too_many");
  await gateway.jobs.cancelJob({ id });
});

test("the mode of a job that waits changes at once, is told, and is what its runner gets", async () => {
  const { id } = await createAgent({ runnerLabels: ["nowhere"] });
  const { job } = await gateway.jobs.setPermissionMode({ id, mode: PermissionMode.BYPASS });
  expect(job).toMatchObject({
    permissionMode: PermissionMode.BYPASS,
    spec: { work: { value: { permissionMode: 0 } } },
  });
  await gateway.jobs.cancelJob({ id });
  const modes = (await watchToEnd(gateway, id)).flatMap(({ payload }) =>
    payload.case === "agent" && payload.value.event.case === "permissionModeChanged" ? [payload.value.event.value] : [],
  );
  expect(modes).toMatchObject([{ mode: PermissionMode.BYPASS, loosened: true, actor: { id: "local" } }]);
});

test("a budget follows its decisions, a day's does not", async () => {
  const limits = { budgetMicros: 50n };
  const { id, attempt } = await startAgent({ limits });
  const raised = (limitMicros: bigint, scope: BudgetScope) => {
    const decision = create(DecisionSchema, { verdict: { case: "raiseBudget", value: { limitMicros } } });
    return { ...permission(id, ""), question: budget(50n, scope), state: AskState.DECIDED, decision };
  };
  const [own, ofDay] = [raised(90n, BudgetScope.JOB), raised(500n, BudgetScope.DAY)];
  attempt.ask(own);
  attempt.ask(ofDay);
  await expect.poll(async () => (await readJob(id))?.budgetMicros).toBe(90n);
});

type DecisionInit = Exclude<MessageInitShape<typeof DecisionSchema>, { $typeName: string }>;

function form(count: number): Ask["question"] {
  const choices = ["a", "b"].map((label) => ({ label }));
  const questions = Array.from({ length: count }, (_, index) => ({ text: `q${index}`, choices }));
  return { case: "questions", value: create(QuestionAskSchema, { questions }) };
}

function budget(spentMicros: bigint, scope = BudgetScope.JOB): Ask["question"] {
  return { case: "budget", value: create(BudgetAskSchema, { spentMicros, limitMicros: spentMicros, scope }) };
}
