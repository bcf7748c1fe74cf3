import { signal } from "@preact/signals";
import { expect, test } from "vitest";
import { createHandClock } from "./hand-clock.ts";
import type { Link } from "./link.ts";
import { watchForNewPage } from "./outdated.ts";

test("a new page is looked for when the connection is back, and then only", async () => {
  const link = signal<Link>({ kind: "connecting" });
  let looked = 0;
  const outdated = watchForNewPage(link, async () => ++looked > 1);
  link.value = { kind: "live" };
  expect(looked).toBe(0);
  for (const expected of [false, true]) {
    link.value = { kind: "reconnecting", attempt: 1, retryAt: 0, since: 0 };
    link.value = { kind: "live" };
    await createHandClock().until(() => outdated.value === expected || undefined);
  }
  expect(looked).toBe(2);
});
