import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PermissionMode } from "#gen/job/v1/job_pb.js";
import type { Command } from "../supervisor/control.ts";
import type { Supervisor } from "../supervisor/supervisor-pool.ts";
import { SupervisorCalls } from "./supervisor-calls.ts";

const mode = { kind: "mode", mode: PermissionMode.PLAN, actor: null } as const;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function makeSupervisor() {
  const commands: Command[] = [];
  const supervisor: Supervisor = {
    process: { pid: 1, startTime: 1, bootId: "" },
    command: (command) => void commands.push(command),
    listen: () => undefined,
  };
  return { supervisor, commands };
}

test("each call gets its own answer, in whatever order they come", async () => {
  const calls = new SupervisorCalls();
  const { supervisor, commands } = makeSupervisor();
  calls.connect(supervisor);
  const answers = [calls.call(mode), calls.call(mode)];
  await expect.poll(() => commands.length).toBe(2);
  calls.answered({ kind: "answered", call: 2, answer: { kind: "done" } });
  calls.answered({ kind: "answered", call: 9, answer: { kind: "done" } });
  calls.answered({ kind: "answered", call: 1, answer: { kind: "refused", refusal: "unsupported", message: "no" } });
  expect(await Promise.all(answers)).toMatchObject([{ kind: "refused" }, { kind: "done" }]);
});

test("a supervisor that is not on the line is waited for, but not for long", async () => {
  const calls = new SupervisorCalls();
  const { supervisor, commands } = makeSupervisor();
  const late = calls.command({ kind: "decide", askId: "ask_1", decision: {} });
  await vi.advanceTimersByTimeAsync(4_000);
  calls.connect(supervisor);
  await late;
  expect(commands).toHaveLength(1);
  calls.cut(supervisor);
  const never = expect(calls.call(mode)).rejects.toThrow("supervisor does not answer");
  await vi.advanceTimersByTimeAsync(5_000);
  await never;
});

test("a line that is cut before the answer is an error that can be tried again", async () => {
  const calls = new SupervisorCalls();
  const { supervisor } = makeSupervisor();
  calls.connect(supervisor);
  const failed = expect(calls.call(mode)).rejects.toThrow("supervisor does not answer");
  await vi.advanceTimersByTimeAsync(0);
  calls.cut(makeSupervisor().supervisor);
  calls.cut(supervisor);
  await failed;
});

test("the attempt's end is told to whoever waits, and to whoever comes later", async () => {
  const calls = new SupervisorCalls();
  const waiting = expect(calls.call(mode)).rejects.toThrow("the attempt has ended");
  calls.end();
  await waiting;
  calls.connect(makeSupervisor().supervisor);
  await expect(calls.call(mode)).rejects.toThrow("the attempt has ended");
});

test("a supervisor that does not answer is not waited for", async () => {
  const calls = new SupervisorCalls();
  calls.connect(makeSupervisor().supervisor);
  const failed = expect(calls.call(mode)).rejects.toThrow("supervisor does not answer");
  await vi.advanceTimersByTimeAsync(10_000);
  await failed;
});
