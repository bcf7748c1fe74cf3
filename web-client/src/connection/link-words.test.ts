import { expect, test } from "vitest";
import { wordsForLink, worstLink } from "./link-words.ts";

const now = { nowMs: 10_000, latencyMs: 38.4, behind: 0 };

test("a live link tells its latency, or how far behind the page is", () => {
  expect(wordsForLink({ kind: "live" }, now)).toMatchObject({ word: "live", detail: "38 ms" });
  expect(wordsForLink({ kind: "live" }, { ...now, behind: 1_204 })).toMatchObject({
    word: "catching up",
    detail: "1204 events behind",
  });
});

test("a broken link tells which attempt comes when", () => {
  const link = { kind: "reconnecting", attempt: 3, retryAt: 12_100, since: 0 } as const;
  expect(wordsForLink(link, now).detail).toBe("attempt 3, next in 3 s");
  expect(wordsForLink(link, { ...now, nowMs: 12_100 }).detail).toBe("attempt 3, trying");
});

test("of several links the worst is told", () => {
  expect(worstLink([{ kind: "live" }, { kind: "signed_out" }, { kind: "stale" }])).toEqual({ kind: "signed_out" });
  expect(worstLink([{ kind: "live" }, { kind: "complete" }])).toEqual({ kind: "live" });
});
