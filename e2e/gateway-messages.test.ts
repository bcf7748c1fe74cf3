import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MessageState } from "#gen/job/v1/job_event_pb.js";
import { PermissionMode } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import { watchToEnd } from "./system/jobs.ts";
import { refusalOf } from "./system/refusal.ts";
import { openSteeredAgents, type SteeredAgents } from "./system/steered-agents.ts";

let agents: SteeredAgents;

beforeAll(async () => {
  agents = await openSteeredAgents();
});
afterAll(() => agents.close());

test("messages to a job that waits are kept, changed and withdrawn here, and delivered in order when it starts", async () => {
  const { id } = await agents.create({ runnerLabels: ["nowhere"] });
  const send = (text: string) =>
    agents.gateway.jobs.sendMessage({ id, action: { case: "send", value: { text } }, idempotencyKey: text });
  const [one, two, three] = [await send("one"), await send("two"), await send("three")];
  expect((await send("one")).message).toEqual(one.message);
  const reused = agents.gateway.jobs.sendMessage({
    id,
    action: { case: "send", value: { text: "x" } },
    idempotencyKey: "one",
  });
  expect(await refusalOf(reused)).toBe("already_exists idempotency_key_reused idempotency_key");
  await agents.gateway.jobs.sendMessage({ id, action: { case: "withdrawId", value: two.message?.id ?? "" } });
  await agents.gateway.jobs.sendMessage({
    id,
    action: { case: "edit", value: { id: three.message?.id ?? "", text: "3" } },
  });
  const again = agents.gateway.jobs.sendMessage({ id, action: { case: "withdrawId", value: two.message?.id ?? "" } });
  expect(await refusalOf(again)).toBe("failed_precondition message_consumed");
  await agents.gateway.jobs.cancelJob({ id });
  const events = await watchToEnd(agents.gateway, id);
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
  await agents.runner.close();
  const { id } = await agents.create();
  const send = (text: string) => agents.gateway.jobs.sendMessage({ id, action: { case: "send", value: { text } } });
  const { message: first } = await send("first");
  await agents.gateway.jobs.setPermissionMode({ id, mode: PermissionMode.ACCEPT_EDITS }).catch(() => undefined);
  await agents.runner.open();
  const attempt = await agents.runner.attempt(id);
  await expect.poll(() => agents.callsOf(id)).toMatchObject([{ kind: "message", message: { text: "first" } }]);
  await send("second");
  await expect.poll(() => agents.callsOf(id).length).toBe(2);
  agents.runner.onCall = () => {
    throw problemError({
      code: Code.FailedPrecondition,
      reason: ProblemReason.MESSAGE_CONSUMED,
      message: "gone",
      action: "None.",
    });
  };
  const edit = agents.gateway.jobs.sendMessage({
    id,
    action: { case: "edit", value: { id: first?.id ?? "", text: "x" } },
  });
  expect(await refusalOf(edit)).toBe("failed_precondition message_consumed");
  agents.runner.onCall = ({ kind }) => {
    const value = { mode: PermissionMode.PLAN, previousMode: PermissionMode.ASK };
    if (kind === "mode") attempt.write({ case: "agent", value: { event: { case: "permissionModeChanged", value } } });
  };
  const { job } = await agents.gateway.jobs.setPermissionMode({ id, mode: PermissionMode.PLAN });
  expect(job?.permissionMode).toBe(PermissionMode.PLAN);
  agents.runner.onCall = () => {};
  await agents.runner.close();
  const away = agents.gateway.jobs.setPermissionMode({ id, mode: PermissionMode.ASK });
  expect(await refusalOf(away)).toBe("unavailable runner_offline");
  await agents.runner.open();
}, 60_000);

test("at most a hundred messages wait", async () => {
  const { id } = await agents.create({ runnerLabels: ["nowhere"] });
  const send = () => agents.gateway.jobs.sendMessage({ id, action: { case: "send", value: { text: "x" } } });
  await Promise.all(Array.from({ length: 100 }, send));
  expect(await refusalOf(send())).toBe("resource_exhausted too_many");
  await agents.gateway.jobs.cancelJob({ id });
});

test("the mode of a job that waits changes at once, is told, and is what its runner gets", async () => {
  const { id } = await agents.create({ runnerLabels: ["nowhere"] });
  const { job } = await agents.gateway.jobs.setPermissionMode({ id, mode: PermissionMode.BYPASS });
  expect(job).toMatchObject({
    permissionMode: PermissionMode.BYPASS,
    spec: { work: { value: { permissionMode: 0 } } },
  });
  await agents.gateway.jobs.cancelJob({ id });
  const modes = (await watchToEnd(agents.gateway, id)).flatMap(({ payload }) =>
    payload.case === "agent" && payload.value.event.case === "permissionModeChanged" ? [payload.value.event.value] : [],
  );
  expect(modes).toMatchObject([{ mode: PermissionMode.BYPASS, loosened: true, actor: { id: "local" } }]);
});
