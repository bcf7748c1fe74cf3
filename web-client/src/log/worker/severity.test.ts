import { expect, test } from "vitest";
import { severityOf } from "./severity.ts";

test.each([
  ["2026-01-02 ERROR could not connect", "error"],
  ["error[E0308]: mismatched types", "error"],
  ["TypeError: x is not a function", "error"],
  ["npm ERR! code ELIFECYCLE", "error"],
  ["Traceback (most recent call last):", "error"],
  ["::error file=a.ts::broken", "error"],
  ["src/a.ts:3: warning: unused", "warning"],
  ["[WARN] slow", "warning"],
  ["DEBUG tick", "debug"],
  ["0 errors, all fine", undefined],
  ["the terrors of the deep", undefined],
  ["a failure to communicate", undefined],
])("%s", (line, severity) => {
  expect(severityOf(line)).toBe(severity);
});
