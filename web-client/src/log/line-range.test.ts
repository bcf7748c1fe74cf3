import { expect, test } from "vitest";
import { lineRangeHash, parseLineRange } from "./line-range.ts";

test.each([
  ["#L120", { from: 120, to: 120 }],
  ["#L120-L140", { from: 120, to: 140 }],
  ["#L140-L120", { from: 120, to: 140 }],
])("%s names lines", (hash, range) => {
  expect(parseLineRange(hash)).toEqual(range);
  expect(parseLineRange(lineRangeHash(range))).toEqual(range);
});

test.each(["", "#", "#L0", "#L", "#L12x", "#120", "#L99999999999", "#L1-2"])("%j names none", (hash) => {
  expect(parseLineRange(hash)).toBe(undefined);
});
