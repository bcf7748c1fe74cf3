import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Ask, AskState, BudgetScope, DecisionSchema } from "#gen/job/v1/ask_pb.js";
import { ActorKind, JobState } from "#gen/job/v1/job_pb.js";
import { randomId } from "#protocol/id.ts";
import { watchToEnd } from "./system/jobs.ts";
import { refusalOf } from "./system/refusal.ts";
import {
  allow,
  budget,
  deny,
  form,
  openSteeredAgents,
  permission,
  refTo,
  type SteeredAgents,
} from "./system/steered-agents.ts";

let agents: SteeredAgents;

beforeAll(async () => {
  agents = await openSteeredAgents();
});
afterAll(() => agents.close());

test("an ask is decided once, whoever is faster, and the runner is told until its event came back", async () => {
  const { id, attempt } = await agents.start();
  const ask = await agents.putAsk(attempt, permission(id, "npm test"));
  expect((await agents.readJob(id))?.openAsks).toBe(1);
  expect(await agents.openIds()).toContain(ask.id);
  const answers = await Promise.all([
    refusalOf(agents.gateway.jobs.decideAsk({ asks: [refTo(ask)], decision: allow })),
    refusalOf(agents.gateway.jobs.decideAsk({ asks: [refTo(ask)], decision: deny })),
  ]);
  expect(answers.toSorted()).toEqual(["aborted already_decided", "accepted"]);
  expect(await agents.openIds()).not.toContain(ask.id);
  const decided = await agents.readAsk(ask);
  expect(decided?.decision).toMatchObject({ actor: { kind: ActorKind.CALLER, id: "local" }, rule: "" });
  expect((await agents.readJob(id))?.openAsks).toBe(0);
  await expect.poll(() => agents.callsOf(id).length).toBeGreaterThan(1);
  for (const call of agents.callsOf(id)) expect(call).toMatchObject({ askId: ask.id, decision: decided?.decision });
  attempt.ask({ ...ask, state: AskState.DECIDED, ...(decided?.decision && { decision: decided.decision }) });
  const decisions = () => agents.callsOf(id).filter(({ kind }) => kind === "decide").length;
  const delivered = async (text: string) => {
    await agents.gateway.jobs.sendMessage({ id, action: { case: "send", value: { text } } });
    const last = () => agents.callsOf(id).at(-1);
    await expect.poll(last).toMatchObject({ kind: "message", message: { text } });
  };
  await delivered("the gateway has the event");
  const told = decisions();
  await agents.runner.close();
  await agents.runner.open();
  await delivered("the runner is back");
  expect(decisions()).toBe(told);
});

test("the same decision of the same caller is answered again, another one is told who was first", async () => {
  const { id, attempt } = await agents.start();
  const ask = await agents.putAsk(attempt, permission(id, "npm test"));
  const call = { asks: [refTo(ask)], decision: allow, idempotencyKey: "k1" };
  const first = await agents.gateway.jobs.decideAsk(call);
  expect(await agents.gateway.jobs.decideAsk(call)).toEqual(first);
  for (const other of [
    { ...call, idempotencyKey: "k2" },
    { ...call, decision: deny },
    { ...call, idempotencyKey: "" },
  ]) {
    await expect(agents.gateway.jobs.decideAsk(other)).rejects.toThrow(/already allowed by local, \d+ s ago/);
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
  const { id, attempt } = await agents.start();
  const ask = await agents.putAsk(attempt, { ...permission(id, "x"), question });
  const refusal = await refusalOf(agents.gateway.jobs.decideAsk({ asks: [refTo(ask)], decision: { verdict } }));
  expect(refusal).toBe(`failed_precondition ask_closed ${field}`);
  expect((await agents.readAsk(ask))?.state).toBe(AskState.OPEN);
});

test("of several asks those that can be are decided, and the answer tells of each", async () => {
  const one = await agents.start();
  const other = await agents.start();
  const asks = [permission(one.id, "a"), { ...permission(one.id, "b"), question: form(1) }, permission(other.id, "c")];
  for (const ask of asks) await agents.putAsk(ask.jobId === one.id ? one.attempt : other.attempt, ask);
  const missing = { jobId: one.id, askId: randomId("ask") };
  const last = asks.at(-1)?.id ?? "";
  const refs = [...asks.slice(0, 2).map(refTo), { jobId: "", askId: last }, missing];
  const { asks: decided } = await agents.gateway.jobs.decideAsk({ asks: refs, decision: allow });
  expect(decided.map(({ id, state }) => [id, state])).toEqual([
    [asks[0]?.id, AskState.DECIDED],
    [asks[1]?.id, AskState.OPEN],
    [last, AskState.DECIDED],
    [missing.askId, AskState.UNSPECIFIED],
  ]);
});

test("kill -9 of the gateway and a runner that is away lose no decision and no ask", async () => {
  const { id, attempt } = await agents.start();
  const [decidedBefore, openBefore] = [permission(id, "a"), permission(id, "b")];
  await agents.putAsk(attempt, decidedBefore);
  await agents.putAsk(attempt, openBefore);
  await agents.runner.close();
  await agents.gateway.jobs.decideAsk({ asks: [refTo(decidedBefore)], decision: allow });
  await agents.gateway.gateway.kill("SIGKILL");
  await agents.gateway.gateway.start();
  expect(await agents.openIds()).toContain(openBefore.id);
  await agents.gateway.jobs.decideAsk({ asks: [refTo(openBefore)], decision: deny });
  expect(agents.callsOf(id)).toEqual([]);
  await agents.runner.open();
  await expect
    .poll(
      () =>
        new Set(
          agents
            .callsOf(id)
            .map((call) => (call.kind === "decide" ? `${call.askId} ${call.decision.verdict.case}` : "")),
        ),
      { timeout: 30_000 },
    )
    .toEqual(new Set([`${decidedBefore.id} allow`, `${openBefore.id} deny`]));
}, 90_000);

test("an ask that nobody answers is denied when it expires, and that is said", async () => {
  const { id, attempt } = await agents.start();
  const now = Date.now();
  const times = { createTime: timestampFromMs(now), expireTime: timestampFromMs(now + 1_000) };
  const ask = await agents.putAsk(attempt, permission(id, "x", times));
  await expect.poll(async () => (await agents.readAsk(ask))?.state).toBe(AskState.EXPIRED);
  expect((await agents.readAsk(ask))?.decision).toMatchObject({
    actor: { kind: ActorKind.GATEWAY },
    verdict: { case: "deny", value: { message: "Nobody answered within 1 s, so it was denied." } },
  });
  await expect
    .poll(() => agents.callsOf(id))
    .toMatchObject([{ askId: ask.id, decision: { verdict: { case: "deny" } } }]);
  const late = await refusalOf(agents.gateway.jobs.decideAsk({ asks: [refTo(ask)], decision: allow }));
  expect(late).toBe("failed_precondition ask_closed");
});

test("a job that ends with its runner's knowledge or without leaves no ask open", async () => {
  const { id, attempt } = await agents.start();
  const asks = [await agents.putAsk(attempt, permission(id, "a")), await agents.putAsk(attempt, permission(id, "b"))];
  await agents.gateway.jobs.decideAsk({ asks: asks.slice(1).map(refTo), decision: allow });
  attempt.write({ case: "attemptEnded", value: { outcome: { cause: 18 } } });
  const events = await watchToEnd(agents.gateway, id);
  const told = events.flatMap(({ payload }) => (payload.case === "ask" ? [payload.value] : []));
  expect(told.slice(2).map(({ id: askId, state, decision }) => [askId, state, decision?.verdict.case])).toEqual([
    [asks[0]?.id, AskState.WITHDRAWN, undefined],
    [asks[1]?.id, AskState.WITHDRAWN, "allow"],
  ]);
  expect(await agents.readJob(id)).toMatchObject({ openAsks: 0, status: { state: JobState.FAILED } });
  const open = await agents.openIds();
  expect(asks.filter((ask) => open.includes(ask.id))).toEqual([]);
  await agents.gateway.jobs.deleteJob({ id });
  const { asks: left } = await agents.gateway.jobs.listAsks({ states: [1, 2, 3, 4], pageSize: 200 });
  expect(left.filter(({ jobId }) => jobId === id)).toEqual([]);
});

test("asks of all jobs are listed in pages, the oldest first", async () => {
  const { id, attempt } = await agents.start();
  const asks: Ask[] = [];
  for (let count = 0; count < 5; count += 1) asks.push(await agents.putAsk(attempt, permission(id, `${count}`)));
  for (const jobId of [id, ""]) {
    const found: Ask[] = [];
    for (let pageToken = ""; ; ) {
      const page = await agents.gateway.jobs.listAsks({ jobId, pageSize: 2, pageToken });
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

test("a budget follows its decisions, a day's does not", async () => {
  const limits = { budgetMicros: 50n };
  const { id, attempt } = await agents.start({ limits });
  const raised = (limitMicros: bigint, scope: BudgetScope) => {
    const decision = create(DecisionSchema, { verdict: { case: "raiseBudget", value: { limitMicros } } });
    return { ...permission(id, ""), question: budget(50n, scope), state: AskState.DECIDED, decision };
  };
  const [own, ofDay] = [raised(90n, BudgetScope.JOB), raised(500n, BudgetScope.DAY)];
  attempt.ask(own);
  attempt.ask(ofDay);
  await expect.poll(async () => (await agents.readJob(id))?.budgetMicros).toBe(90n);
});

type DecisionInit = Exclude<MessageInitShape<typeof DecisionSchema>, { $typeName: string }>;
