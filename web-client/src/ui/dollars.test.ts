import { expect, test } from "vitest";
import { dollarsText, parseDollars } from "./dollars.ts";

test.each([
  ["0.05", 50_000n],
  ["$2", 2_000_000n],
  [" 1.5 ", 1_500_000n],
  ["0.000001", 1n],
])("%s is an amount", (typed, micros) => {
  expect(parseDollars(typed)).toBe(micros);
  expect(parseDollars(dollarsText(micros))).toBe(micros);
});

test.each(["", "0", "0.00", "-1", "1,5", "1e9", "two", "0.0000001"])("%s is none", (typed) => {
  expect(parseDollars(typed)).toBeUndefined();
});
