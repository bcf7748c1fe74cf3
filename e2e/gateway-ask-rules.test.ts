import { afterAll, beforeAll, expect, test } from "vitest";
import { type Ask, AskRuleVerdict, AskState } from "#gen/job/v1/ask_pb.js";
import { openSteeredAgents, permission, type SteeredAgents } from "./system/steered-agents.ts";

let agents: SteeredAgents;

beforeAll(async () => {
  agents = await openSteeredAgents();
});
afterAll(() => agents.close());

test("a rule decides what is open over all jobs and what comes, counts it, and ends when it is revoked", async () => {
  const labels = { sweep: "one" };
  const one = await agents.start({ labels });
  const other = await agents.start({ labels });
  const foreign = await agents.start();
  const asks = [
    permission(one.id, "npm test"),
    permission(other.id, "npm test -- a"),
    permission(other.id, "rm -rf /"),
    permission(foreign.id, "npm test"),
  ];
  const attempts = [one.attempt, other.attempt, other.attempt, foreign.attempt];
  for (const [index, ask] of asks.entries()) await agents.putAsk(attempts[index] ?? one.attempt, ask);
  const rule = { rule: "Bash(npm test:*)", labels: ["sweep=one"], verdict: AskRuleVerdict.ALLOW };
  const preview = await agents.gateway.jobs.createAskRule({ rule, preview: true });
  expect(preview.rule?.id).toBe("");
  const idsOf = (found: readonly Ask[]) => found.map(({ id }) => id).toSorted();
  expect(idsOf(preview.asks)).toEqual(idsOf(asks.slice(0, 2)));
  for (const { state } of preview.asks) expect(state).toBe(AskState.OPEN);
  const call = { rule, idempotencyKey: "sweep-1" };
  const created = await agents.gateway.jobs.createAskRule(call);
  const ruleId = created.rule?.id ?? "";
  expect(idsOf(created.asks)).toEqual(idsOf(asks.slice(0, 2)));
  for (const { decision } of created.asks) {
    expect(decision).toMatchObject({ rule: ruleId, actor: { id: "local" }, verdict: { case: "allow" } });
  }
  expect((await agents.gateway.jobs.createAskRule(call)).rule?.id).toBe(ruleId);
  const late = await agents.putAsk(one.attempt, permission(one.id, "npm test"));
  await expect.poll(async () => (await agents.readAsk(late))?.decision?.rule).toBe(ruleId);
  await expect.poll(() => agents.callsOf(one.id).length).toBeGreaterThan(1);
  const listed = (await agents.gateway.jobs.listAskRules({})).rules.find(({ id }) => id === ruleId);
  expect(listed?.decided).toBe(3);
  await agents.gateway.jobs.revokeAskRule({ id: ruleId });
  expect((await agents.gateway.jobs.listAskRules({})).rules.map(({ id }) => id)).not.toContain(ruleId);
  const ended = (await agents.gateway.jobs.listAskRules({ includeEnded: true })).rules.find(({ id }) => id === ruleId);
  expect(ended).toMatchObject({ decided: 3, revoker: { id: "local" } });
  const after = await agents.putAsk(one.attempt, permission(one.id, "npm test"));
  expect(await agents.openIds()).toContain(after.id);
  expect((await agents.readAsk(after))?.state).toBe(AskState.OPEN);
});

test("a rule that denies is stronger than one that allows, and tells the agent", async () => {
  const { id, attempt } = await agents.start();
  const scope = { jobId: id };
  await agents.gateway.jobs.createAskRule({ rule: { ...scope, rule: "Bash(rm:*)", verdict: AskRuleVerdict.DENY } });
  await agents.gateway.jobs.createAskRule({ rule: { ...scope, rule: "Bash", verdict: AskRuleVerdict.ALLOW } });
  attempt.ask(permission(id, "rm -rf /"));
  await expect
    .poll(() => agents.callsOf(id))
    .toMatchObject([{ decision: { verdict: { case: "deny", value: { message: "Denied by the rule Bash(rm:*)." } } } }]);
});
