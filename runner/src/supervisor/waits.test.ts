import { expect, test } from "vitest";
import { JobState, WaitingReason } from "#gen/job/v1/job_pb.js";
import { type StatusInit, Waits } from "./waits.ts";

const { ASK, BUDGET, RATE_LIMIT } = WaitingReason;
const running = { state: JobState.RUNNING };

function openWaits() {
  const told: StatusInit[] = [];
  return { told, waits: new Waits({ onStatus: (status) => told.push(status) }) };
}

function waiting(reason: WaitingReason, untilMs?: number) {
  const until = untilMs === undefined ? {} : { until: expect.objectContaining({ seconds: BigInt(untilMs / 1000) }) };
  return { state: JobState.WAITING, detail: { case: "waiting", value: { reason, ...until } } };
}

test("a wait is told when it begins and when it ends, once", () => {
  const { told, waits } = openWaits();
  const end = waits.begin({ reason: ASK, untilMs: 5000 });
  expect(waits.isWaiting).toBe(true);
  end();
  end();
  expect(waits.isWaiting).toBe(false);
  expect(told).toEqual([waiting(ASK, 5000), running]);
});

test("of several reasons the one that a person can do most about is shown", () => {
  const { told, waits } = openWaits();
  const ends = [RATE_LIMIT, ASK, BUDGET].map((reason) => waits.begin({ reason, untilMs: undefined }));
  for (const end of ends.toReversed()) end();
  const shown = [RATE_LIMIT, ASK, BUDGET, ASK, RATE_LIMIT].map((reason) => waiting(reason));
  expect(told).toEqual([...shown, running]);
});

test("of several of one kind the last end is shown, and none when one of them has none", () => {
  const { told, waits } = openWaits();
  const end = waits.begin({ reason: ASK, untilMs: 5000 });
  waits.begin({ reason: ASK, untilMs: 9000 });
  end();
  waits.begin({ reason: ASK, untilMs: undefined });
  expect(told).toEqual([waiting(ASK, 5000), waiting(ASK, 9000), waiting(ASK)]);
});
