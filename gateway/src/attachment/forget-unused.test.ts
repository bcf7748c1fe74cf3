import { expect, test } from "vitest";
import { type ContentUse, forgetUnused, keepMs } from "./forget-unused.ts";

/** A content that was touched at time 0, and that these Jobs name. */
function content(...jobs: string[]) {
  const names = new Set(jobs);
  const state = { touchedMs: 0, isForgotten: false };
  const use: ContentUse = {
    touchedMs: () => state.touchedMs,
    someJob: () => names.values().next().value,
    removeJob: (id) => void names.delete(id),
    deleteAll: async () => {
      state.isForgotten = true;
    },
  };
  return { use, state, names };
}

const nobody = async () => false;

test("a content stays for a day, named or not", async () => {
  const { use, state } = content();
  expect(await forgetUnused(use, { nowMs: keepMs - 1, exists: nobody })).toBe(keepMs);
  expect(state.isForgotten).toBe(false);
});

test("a content that nobody names is forgotten after that", async () => {
  const { use, state } = content("deleted", "deleted too");
  expect(await forgetUnused(use, { nowMs: keepMs, exists: nobody })).toBeUndefined();
  expect(state.isForgotten).toBe(true);
});

test("a content stays while one of the jobs that name it is there", async () => {
  const { use, state, names } = content("deleted", "alive", "deleted too");
  const exists = async (id: string) => id === "alive";
  expect(await forgetUnused(use, { nowMs: 9 * keepMs, exists })).toBe(10 * keepMs);
  expect([state.isForgotten, [...names]]).toEqual([false, ["alive", "deleted too"]]);
});

test("one that is uploaded again while jobs are asked for stays", async () => {
  const { use, state } = content("deleted");
  const exists = async () => {
    state.touchedMs = keepMs;
    return false;
  };
  expect(await forgetUnused(use, { nowMs: keepMs, exists })).toBe(2 * keepMs);
  expect(state.isForgotten).toBe(false);
});
