import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DayLedger, untilMidnightMs } from "./day-ledger.ts";

let directory: string;
let now: number;
const clock = () => now;

beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/blazecraft-ledger-`);
  now = Date.UTC(2026, 10, 22, 23, 59, 59);
});
afterEach(() => rmSync(directory, { recursive: true }));

test("what several write is summed up, by those who were there and by those who come later", () => {
  const [one, other] = [new DayLedger(directory, clock), new DayLedger(directory, clock)];
  expect(one.spentMicros()).toBe(0);
  one.add("job_1", 5);
  expect(other.spentMicros()).toBe(5);
  other.add("job_2", 7);
  one.add("job_1", 1);
  expect([one.spentMicros(), other.spentMicros()]).toEqual([13, 13]);
  expect(new DayLedger(directory, clock).spentMicros()).toBe(13);
});

test("a day ends at midnight UTC, in a file of its own", () => {
  const ledger = new DayLedger(directory, clock);
  ledger.add("job_1", 5);
  expect(untilMidnightMs(now)).toBe(1000);
  now += 1000;
  expect(ledger.spentMicros()).toBe(0);
  ledger.add("job_1", 7);
  expect(ledger.spentMicros()).toBe(7);
  expect(readFileSync(`${directory}/2026-11-22`, "utf8")).toBe("5 job_1\n");
});

test("a line that is still being written counts once it is whole, and one that is none never", () => {
  const ledger = new DayLedger(directory, clock);
  ledger.add("job_1", 5);
  appendFileSync(`${directory}/2026-11-22`, "nonsense\n12");
  expect(ledger.spentMicros()).toBe(5);
  appendFileSync(`${directory}/2026-11-22`, "3 job_2\n");
  expect(ledger.spentMicros()).toBe(128);
});
