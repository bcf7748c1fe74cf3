import { expect, test, vi } from "vitest";
import { ActorKind, EndCause } from "#gen/job/v1/job_pb.js";
import { StopSignal } from "./stop-signal.ts";

const canceled = { cause: EndCause.CANCELED, actor: { kind: ActorKind.CALLER, id: "ana" }, graceMs: 10_000 };
const stopped = { cause: EndCause.RUNNER_STOPPED, actor: null, graceMs: 0 };

test("the first order says why, and a more impatient one ends the grace", async () => {
  vi.useFakeTimers();
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
  vi.useRealTimers();
});

test("a more patient order does not lengthen the grace", async () => {
  vi.useFakeTimers();
  const stop = new StopSignal();
  stop.stop({ ...canceled, graceMs: 1_000 });
  stop.stop(canceled);
  await vi.advanceTimersByTimeAsync(1_000);
  await expect(stop.graceOver).resolves.toBeUndefined();
  vi.useRealTimers();
});
