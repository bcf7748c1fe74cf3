import { expect, test } from "vitest";
import { RowHeights } from "./row-heights.ts";

test("rows stand below those that were measured taller", () => {
  const heights = new RowHeights();
  expect([heights.set(5, 60), heights.set(2, 40), heights.set(5, 60), heights.set(3, 20)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect([2, 3, 5, 6, 100].map((row) => heights.top(row))).toEqual([40, 80, 120, 180, 2_060]);
  expect([0, 39, 40, 79, 80, 119, 120, 179, 180].map((px) => heights.rowAt(px))).toEqual([0, 1, 2, 2, 3, 4, 5, 5, 6]);
});

test("a row that shrinks again moves what is below it back", () => {
  const heights = new RowHeights();
  heights.set(4, 100);
  heights.set(1, 30);
  heights.set(4, 20);
  expect([heights.top(4), heights.top(5)]).toEqual([90, 110]);
});
