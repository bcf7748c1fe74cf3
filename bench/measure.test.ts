import { expect, test } from "vitest";
import { alternate, quantile, ratios, spread } from "./measure.ts";

test("things are measured in turns and the first round is not counted", async () => {
  const order: string[] = [];
  const measure = (name: string) => async () => {
    order.push(name);
    return order.length;
  };
  const samples = await alternate(2, { a: measure("a"), b: measure("b") });
  expect(order.join("")).toBe("ababab");
  expect(Object.fromEntries(samples)).toEqual({ a: [3, 5], b: [4, 6] });
});

test("ratios are taken round by round", () => {
  expect(spread(ratios([10, 30, 80], [10, 10, 20]))).toEqual({ median: 3, min: 1, max: 4 });
});

test("a quantile between two values lies between them", () => {
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
  expect(quantile([7], 0.99)).toBe(7);
});
