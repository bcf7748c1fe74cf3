import { expect, test } from "vitest";
import { nextTimeShown, rowTimeText } from "./row-time.ts";

const line = {
  timeMs: Date.parse("2026-01-02T10:00:01.003"),
  startMs: Date.parse("2026-01-02T09:58:59.003"),
  previousMs: 0,
};

test("a line's time is told by the clock or as a distance", () => {
  expect(rowTimeText("off", line)).toBe("");
  expect(rowTimeText("clock", line)).toBe("10:00:01.003");
  expect(rowTimeText("since start", line)).toBe("+1:02.000");
  expect(rowTimeText("since previous", { ...line, previousMs: line.timeMs - 41 })).toBe("+0.041");
  expect(rowTimeText("since previous", line)).toBe("");
  expect(rowTimeText("clock", { ...line, timeMs: 0 })).toBe("");
});

test("the ways come round", () => {
  expect(nextTimeShown(nextTimeShown(nextTimeShown(nextTimeShown("off"))))).toBe("off");
});
