import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Closing, RateLimitGate } from "./rate-limit-gate.ts";

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

const { signal } = new AbortController();

function makeGate(random = 0) {
  const closings: Closing[] = [];
  let open = true;
  const onClosed = (closing: Closing) => {
    closings.push(closing);
    open = false;
    return () => {
      open = true;
    };
  };
  const gate = new RateLimitGate({ onClosed, now: Date.now, random: () => random });
  return { gate, closings, isOpen: () => open };
}

const refusal = { status: 429, kind: "rate_limit_error" };

test("all wait together until the provider's time, and it is told once that they do", async () => {
  const { gate, closings, isOpen } = makeGate();
  const [one, other] = [await gate.pass(signal), await gate.pass(signal)];
  expect(gate.refused({ ...refusal, retryMs: 5_000, pass: one })).toBe(true);
  expect(gate.refused({ ...refusal, retryMs: 4_000, pass: other })).toBe(true);
  expect(closings.map(({ untilMs, attempt }) => [untilMs, attempt])).toEqual([[5_000, 1]]);
  const passed = Promise.all([gate.pass(signal), gate.pass(signal)]);
  await vi.advanceTimersByTimeAsync(4_999);
  expect(isOpen()).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(isOpen()).toBe(true);
  expect(await passed).toEqual([1, 1]);
});

test("a later refusal of requests that went together can only ask for more time", async () => {
  const { gate, closings } = makeGate();
  const pass = await gate.pass(signal);
  gate.refused({ ...refusal, retryMs: 5_000, pass });
  gate.refused({ ...refusal, retryMs: 9_000, pass });
  gate.refused({ ...refusal, retryMs: undefined, pass });
  expect(closings.map(({ untilMs }) => untilMs)).toEqual([5_000, 9_000]);
});

test("without a time the waits grow to a minute and begin anew after a success, and end after twenty", async () => {
  const { gate, closings } = makeGate(1);
  const waits: number[] = [];
  for (;;) {
    const pass = await gate.pass(signal);
    const atMs = Date.now();
    if (!gate.refused({ ...refusal, retryMs: undefined, pass })) break;
    waits.push(Number(closings.at(-1)?.untilMs) - atMs);
    await vi.advanceTimersByTimeAsync(60_000);
  }
  expect(waits.slice(0, 8)).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  expect(waits).toHaveLength(20);
  gate.taken();
  expect(gate.refused({ ...refusal, retryMs: undefined, pass: await gate.pass(signal) })).toBe(true);
  expect(closings.at(-1)?.attempt).toBe(1);
});

test("a time too far away is not waited for, and no time at all is a second", async () => {
  const { gate, closings } = makeGate();
  const pass = await gate.pass(signal);
  expect(gate.refused({ ...refusal, retryMs: 7 * 3_600_000, pass })).toBe(false);
  expect(gate.refused({ ...refusal, retryMs: 0, pass })).toBe(true);
  expect(closings.map(({ untilMs }) => untilMs)).toEqual([1_000]);
});

test("who leaves waits no more, and the end opens the gate", async () => {
  const { gate, isOpen } = makeGate();
  gate.refused({ ...refusal, retryMs: 5_000, pass: await gate.pass(signal) });
  const leaving = new AbortController();
  const waiting = gate.pass(leaving.signal);
  leaving.abort();
  await expect(waiting).rejects.toThrow();
  gate.end();
  expect(isOpen()).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});
