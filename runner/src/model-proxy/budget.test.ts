import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BudgetScope } from "#gen/job/v1/ask_pb.js";
import { type Admission, Budget, type BudgetVerdict, type ReachedLimit } from "./budget.ts";

interface Asked {
  readonly reached: ReachedLimit;
  readonly signal: AbortSignal;
  readonly decide: (verdict: BudgetVerdict) => void;
}

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 10, 22, 23) }));
afterEach(() => void vi.useRealTimers());

const { signal } = new AbortController();

function makeBudget({ limitMicros = 0, dayLimitMicros = 0, daySpent = 0 } = {}) {
  const asked: Asked[] = [];
  const stopped: ReachedLimit[] = [];
  let day = daySpent;
  const budget = new Budget({
    jobId: "job_1",
    limitMicros,
    dayLimitMicros,
    ledger: {
      add: (_, micros) => {
        day += micros;
      },
      spentMicros: () => day,
    },
    ask: (reached, askSignal) => {
      const { promise, resolve } = Promise.withResolvers<BudgetVerdict>();
      askSignal.addEventListener("abort", () => resolve({ kind: "withdrawn" }));
      asked.push({ reached, signal: askSignal, decide: resolve });
      return promise;
    },
    onStop: (reached) => stopped.push(reached),
    now: Date.now,
  });
  const startDay = () => {
    day = 0;
  };
  return { budget, asked, stopped, startDay, daySpent: () => day };
}

/** Whether a request got through, looked at when all that can happen by itself has happened. */
async function admitted(waiting: Promise<Admission>): Promise<boolean> {
  let through = false;
  void waiting.then(
    () => {
      through = true;
    },
    () => undefined,
  );
  await vi.advanceTimersByTimeAsync(0);
  return through;
}

test("without a limit everything goes, and is written down", async () => {
  const { budget, asked, daySpent } = makeBudget();
  for (const cost of [1e9, 0, 5]) (await budget.admit(1e12, signal)).settle(cost);
  expect(asked).toEqual([]);
  expect(daySpent()).toBe(1e9 + 5);
});

test("requests go side by side while all of them cannot reach the limit, then one by one, then none", async () => {
  const { budget, asked } = makeBudget({ limitMicros: 100 });
  const [first, second] = await Promise.all([budget.admit(40, signal), budget.admit(60, signal)]);
  const third = budget.admit(10, signal);
  expect(await admitted(third)).toBe(false);
  first.settle(30);
  expect(await admitted(third)).toBe(true);
  const fourth = budget.admit(10, signal);
  second.settle(65);
  expect(await admitted(fourth)).toBe(false);
  (await third).settle(4);
  expect(await admitted(fourth)).toBe(true);
  const fifth = budget.admit(10, signal);
  (await fourth).settle(50);
  expect(await admitted(fifth)).toBe(false);
  const reached = { scope: BudgetScope.JOB, spentMicros: 149, limitMicros: 100 };
  expect(asked.map((each) => each.reached)).toEqual([reached]);
});

test("one question is asked for all that wait, and a raised limit lets them go on", async () => {
  const { budget, asked } = makeBudget({ limitMicros: 10 });
  (await budget.admit(10, signal)).settle(10);
  const waiting = [budget.admit(5, signal), budget.admit(5, signal)];
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toHaveLength(1);
  asked[0]?.decide({ kind: "raised", limitMicros: 1000 });
  await Promise.all(waiting);
  expect(asked).toHaveLength(1);
});

test("a limit that is not raised stops the job, and lets nothing through any more", async () => {
  const { budget, asked, stopped } = makeBudget({ limitMicros: 10 });
  (await budget.admit(10, signal)).settle(12);
  const waiting = budget.admit(5, signal);
  asked[0]?.decide({ kind: "stop" });
  expect(await admitted(waiting)).toBe(false);
  expect(await admitted(budget.admit(0, signal))).toBe(false);
  expect(stopped).toHaveLength(1);
  expect(asked).toHaveLength(1);
});

test("the question is taken back when nobody waits, and asked again by who comes later", async () => {
  const { budget, asked } = makeBudget({ limitMicros: 10 });
  (await budget.admit(10, signal)).settle(10);
  const leaving = new AbortController();
  const waiting = budget.admit(5, leaving.signal);
  leaving.abort();
  await expect(waiting).rejects.toThrow();
  expect(asked[0]?.signal.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(await admitted(budget.admit(5, signal))).toBe(false);
  expect(asked).toHaveLength(2);
});

test("a day's limit counts what other jobs spend, and ends at midnight UTC", async () => {
  const { budget, asked, startDay } = makeBudget({ dayLimitMicros: 100, daySpent: 120 });
  const waiting = budget.admit(5, signal);
  const reached = { scope: BudgetScope.DAY, spentMicros: 120, limitMicros: 100 };
  expect(asked.map((each) => each.reached)).toEqual([reached]);
  await vi.advanceTimersByTimeAsync(3_599_999);
  expect(await admitted(waiting)).toBe(false);
  startDay();
  await vi.advanceTimersByTimeAsync(1);
  expect(await admitted(waiting)).toBe(true);
});

test("a request that is settled twice is paid once", async () => {
  const { budget, daySpent } = makeBudget();
  const admission = await budget.admit(5, signal);
  admission.settle(3);
  admission.settle(3);
  expect(daySpent()).toBe(3);
});
