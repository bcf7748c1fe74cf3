import { create, toJson } from "@bufbuild/protobuf";
import { expect, test, vi } from "vitest";
import { MessageSchema, MessageState } from "#gen/job/v1/job_event_pb.js";
import { ActorKind, PermissionMode } from "#gen/job/v1/job_pb.js";
import type { EventPayload, ModeAnswer } from "../executor/executor.ts";
import type { CallAnswer, SteeringCommand } from "./control.ts";
import { JobEgress } from "./job-egress.ts";
import { Steering } from "./steering.ts";

const { ASK, PLAN, BYPASS } = PermissionMode;
const ana = { kind: ActorKind.CALLER, id: "ana" };
const ben = { kind: ActorKind.CALLER, id: "ben" };

function openSteering() {
  const events: EventPayload[] = [];
  const settings = { allowed: [], mayAllowMore: true, exemptAddresses: [] };
  const emit = (payload: EventPayload) => void events.push(payload);
  const answers = new Map<number, CallAnswer>();
  let obey: (command: SteeringCommand) => void = () => undefined;
  const steering = new Steering({
    jobId: "job_0123456789abcdef",
    permissionMode: ASK,
    askMs: 60_000,
    emit,
    egress: new JobEgress({ settings, allowedHosts: [], door: undefined, emit }),
    line: {
      onSteering: (listener) => {
        obey = listener;
      },
      answer: (call, answer) => void answers.set(call, answer),
    },
  });
  const modes = () =>
    events.flatMap((payload) =>
      payload.case === "agent" && payload.value.event?.case === "permissionModeChanged"
        ? [payload.value.event.value]
        : [],
    );
  return { steering, events, answers, obey, modes };
}

/** An agent whose answers to changes of its mode wait for the test. */
function makeAgent() {
  const asked: { mode: PermissionMode; answer: (answer: ModeAnswer) => void }[] = [];
  const agent = {
    interrupt: vi.fn(),
    setMode: (mode: PermissionMode) => new Promise<ModeAnswer>((answer) => asked.push({ mode, answer })),
  };
  return { agent, asked };
}

function message(id: string, interrupt = false): SteeringCommand {
  const value = create(MessageSchema, { id, text: "Hello.", state: MessageState.QUEUED, author: ana, interrupt });
  return { kind: "message", call: 1, message: toJson(MessageSchema, value) };
}

test("a change of mode is told with who wanted it, whoever tells of it first", async () => {
  const { steering, obey, answers, modes } = openSteering();
  const { agent, asked } = makeAgent();
  steering.attach(agent, ASK);
  obey({ kind: "mode", call: 1, mode: BYPASS, actor: ana });
  obey({ kind: "mode", call: 2, mode: PLAN, actor: ben });
  await expect.poll(() => asked.length).toBe(1);
  steering.modeChanged(BYPASS);
  asked[0]?.answer({ kind: "changed" });
  await expect.poll(() => asked.length).toBe(2);
  asked[1]?.answer({ kind: "changed" });
  await expect.poll(() => answers.size).toBe(2);
  steering.modeChanged(PLAN);
  steering.modeChanged(ASK);
  expect(modes()).toMatchObject([
    { mode: BYPASS, previousMode: ASK, actor: ana, loosened: true },
    { mode: PLAN, previousMode: BYPASS, actor: ben, loosened: false },
    { mode: ASK, previousMode: PLAN, loosened: true },
  ]);
  expect(modes()[2]).not.toHaveProperty("actor");
});

test("a mode that the agent refuses is not entered", async () => {
  const { steering, obey, answers, modes } = openSteering();
  const { agent, asked } = makeAgent();
  steering.attach(agent, ASK);
  obey({ kind: "mode", call: 1, mode: BYPASS, actor: ana });
  await expect.poll(() => asked.length).toBe(1);
  asked[0]?.answer({ kind: "refused", reason: "no such mode" });
  await expect.poll(() => answers.size).toBe(1);
  expect(answers.get(1)).toEqual({ kind: "refused", refusal: "unsupported", message: "no such mode" });
  expect([steering.permissionMode, modes()]).toEqual([ASK, []]);
});

test("a mode that is chosen while the agent is being prepared reaches it", async () => {
  const { steering, obey, answers, modes } = openSteering();
  const startedIn = steering.permissionMode;
  obey({ kind: "mode", call: 1, mode: PLAN, actor: ana });
  await expect.poll(() => answers.size).toBe(1);
  const { agent, asked } = makeAgent();
  steering.attach(agent, startedIn);
  expect(asked).toMatchObject([{ mode: PLAN }]);
  expect(modes()).toMatchObject([{ mode: PLAN, actor: ana }]);
});

test("a message interrupts the agent only if it says so, and once", () => {
  const { steering, obey, events } = openSteering();
  const { agent } = makeAgent();
  steering.attach(agent, ASK);
  obey(message("msg_0000000000000001"));
  expect(agent.interrupt).not.toHaveBeenCalled();
  obey(message("msg_0000000000000002", true));
  obey(message("msg_0000000000000002", true));
  expect(agent.interrupt).toHaveBeenCalledTimes(1);
  expect(events.map((event) => event.case)).toEqual(["message", "message", "process"]);
});

test("an agent at its end takes neither messages nor modes", async () => {
  const { steering, obey, answers } = openSteering();
  steering.close();
  obey(message("msg_0000000000000001"));
  expect(answers.get(1)).toMatchObject({ kind: "refused", refusal: "ended" });
  obey({ kind: "mode", call: 2, mode: PLAN, actor: ana });
  await expect.poll(() => answers.size).toBe(2);
  expect(answers.get(2)).toMatchObject({ kind: "refused", refusal: "ended" });
});

test("a host can be allowed while the job runs, and not afterwards", () => {
  const { steering, answers, obey } = openSteering();
  obey({ kind: "allowHost", call: 1, host: "example.com", actor: ana });
  expect(answers.get(1)).toMatchObject({ kind: "refused", refusal: "unconfined" });
  steering.close();
  obey({ kind: "allowHost", call: 2, host: "example.com", actor: ana });
  expect(answers.get(2)).toMatchObject({ kind: "refused", refusal: "ended" });
});
