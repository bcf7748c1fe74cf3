import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ActorKind, EndCause } from "#gen/job/v1/job_pb.js";
import { StopSignal } from "./stop-signal.ts";

const canceled = { cause: EndCause.CANCELED, actor: { kind: ActorKind.CALLER, id: "ana" }, graceMs: 10_000 };
const stopped = { cause: EndCause.RUNNER_STOPPED, actor: null, graceMs: 0 };

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const unlimited = { wallMs: 3_600_000, idleMs: undefined, interruptMs: 0, isWaiting: () => false };

test("the first order says why, and a more impatient one ends the grace", async () => {
  const stop = new StopSignal();
  let isOver = false;
  void stop.graceOver.then(() => {
    isOver = true;
  });
  stop.stop(canceled);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(isOver).toBe(false);
  stop.stop(stopped);
  await vi.advanceTimersByTimeAsync(1);
  expect(isOver).toBe(true);
  expect(await stop.ordered).toBe(canceled);
});

test("a more patient order does not lengthen the grace", async () => {
  const stop = new StopSignal();
  stop.stop({ ...canceled, graceMs: 1_000 });
  stop.stop(canceled);
  await vi.advanceTimersByTimeAsync(1_000);
  await expect(stop.graceOver).resolves.toBeUndefined();
});

test("a job that does nothing is idle, but not one that waits for somebody", async () => {
  const stop = new StopSignal();
  let isWaiting = true;
  stop.startLimits({ ...unlimited, idleMs: 1_000, isWaiting: () => isWaiting });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(stop.order).toBeUndefined();
  isWaiting = false;
  stop.active();
  await vi.advanceTimersByTimeAsync(999);
  expect(stop.order).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(stop.order?.cause).toBe(EndCause.IDLE_TIMEOUT);
  stop.end();
});

test("an agent gets its time to leave its turn before the grace, unless there is no grace", async () => {
  const settled: string[] = [];
  const stop = new StopSignal();
  stop.startLimits({ ...unlimited, interruptMs: 5_000 });
  void stop.interruptOver.then(() => settled.push("interrupt"));
  void stop.graceOver.then(() => settled.push("grace"));
  stop.stop(canceled);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(settled).toEqual(["interrupt"]);
  await vi.advanceTimersByTimeAsync(9_999);
  expect(settled).toEqual(["interrupt"]);
  stop.stop(stopped);
  await vi.advanceTimersByTimeAsync(0);
  expect(settled).toEqual(["interrupt", "grace"]);
  stop.end();
});

test("an impatient order ends also the time to leave a turn", async () => {
  const settled: string[] = [];
  const stop = new StopSignal();
  stop.startLimits({ ...unlimited, interruptMs: 5_000 });
  void stop.interruptOver.then(() => settled.push("interrupt"));
  stop.stop(canceled);
  stop.stop(stopped);
  await vi.advanceTimersByTimeAsync(0);
  expect(settled).toEqual(["interrupt"]);
  stop.end();
});
