import { expect, test } from "vitest";
import { chooseRemedy, windowMs } from "./restart.ts";

test("a part that dies once is back at once, one that keeps dying ever later, and then not at all", () => {
  const deaths = [1, 2, 3, 4, 5, 6];
  const remedies = deaths.map((_, index) => chooseRemedy(deaths.slice(0, index + 1)));
  expect(remedies).toEqual([
    { kind: "restart", delayMs: 0 },
    { kind: "restart", delayMs: 1000 },
    { kind: "restart", delayMs: 2000 },
    { kind: "restart", delayMs: 4000 },
    { kind: "restart", delayMs: 8000 },
    { kind: "give-up" },
  ]);
});

test("deaths long ago are forgiven", () => {
  const deaths = [1, 2, 3, 4, 5, 5 + windowMs];
  expect(chooseRemedy(deaths)).toEqual({ kind: "restart", delayMs: 0 });
});
