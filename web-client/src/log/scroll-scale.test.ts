import { expect, test } from "vitest";
import { ScrollScale, tallestPx } from "./scroll-scale.ts";

const view = 500;

test("a log that fits is scrolled as it is", () => {
  const scale = sized(10_000);
  expect([scale.scrolled(1_234), scale.top, scale.offset, scale.height]).toEqual([undefined, 1_234, 0, 10_000]);
});

test("in a taller log small moves are exact, and jumps go to the same part", () => {
  const scale = sized(10 * tallestPx);
  expect(scale.height).toBe(tallestPx);
  scale.scrolled(tallestPx / 2);
  const { top } = scale;
  expect(top / (10 * tallestPx)).toBeCloseTo(0.5, 2);
  scale.scrolled(tallestPx / 2 + 40);
  expect(scale.top).toBe(top + 40);
});

test("both ends of a taller log are reached by small moves", () => {
  const scale = sized(2 * tallestPx);
  let scrollTop = scale.moveTo(3_000);
  for (let moves = 0; moves < 200 && scale.top > 0; moves++) {
    scrollTop = Math.max(0, scrollTop - 40);
    scrollTop = scale.scrolled(scrollTop) ?? scrollTop;
  }
  expect([scale.top, scrollTop]).toEqual([0, 0]);
  scrollTop = scale.moveTo(2 * tallestPx - 3_000);
  for (let moves = 0; moves < 200 && !scale.isAtEnd; moves++) {
    scrollTop = Math.min(tallestPx - view, scrollTop + 40);
    scrollTop = scale.scrolled(scrollTop) ?? scrollTop;
  }
  expect(scale.isAtEnd).toBe(true);
});

test("its reader stays in place while the log grows past what can be scrolled", () => {
  const scale = sized(tallestPx - 1_000);
  scale.moveTo(5_000_000);
  scale.resize(tallestPx + 1_000_000, view);
  expect(scale.top).toBe(5_000_000);
});

test("a place is gone to exactly, and what is past the end is the end", () => {
  const scale = sized(3 * tallestPx);
  scale.moveTo(12_345_678);
  expect(scale.top).toBe(12_345_678);
  expect(scale.moveTo(Number.POSITIVE_INFINITY)).toBe(tallestPx - view);
});

function sized(total: number): ScrollScale {
  const scale = new ScrollScale();
  scale.resize(total, view);
  return scale;
}
