import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { follow, type Readable } from "./follow.ts";
import { createHandClock } from "./hand-clock.ts";
import type { Link } from "./link.ts";

test("a stream that ends before it is complete is read on from where the reader stands", async () => {
  const { reader, opened, taken, links } = createReader([["a", "b"], ["c"]], "c");
  const clock = createHandClock();
  const done = follow(reader, clock.around, new AbortController().signal);
  await clock.untilWaiting(500);
  clock.advance(500);
  await done;
  expect(taken).toEqual(["a", "b", "c"]);
  expect(opened).toEqual([0, 2]);
  expect(kinds(links)).toEqual(["connecting", "live", "reconnecting", "live", "complete"]);
});

test("pauses double from 0.5 s to 30 s, with full jitter", async () => {
  const clock = createHandClock({ random: () => 1 });
  const stop = new AbortController();
  const { reader, links } = createReader([], "never");
  const done = follow(reader, clock.around, stop.signal);
  const pauses: number[] = [];
  for (let attempt = 1; attempt <= 8; attempt++) {
    const link = await clock.until(() =>
      links.findLast((seen) => seen.kind === "reconnecting" && seen.attempt === attempt),
    );
    if (link?.kind !== "reconnecting") continue;
    pauses.push(link.retryAt - clock.around.now());
    clock.advance(link.retryAt - clock.around.now());
  }
  stop.abort();
  await done;
  expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test("silence for 25 s breaks the stream and opens it again at once", async () => {
  const clock = createHandClock();
  const { reader, links, taken } = createReader([["a", "silence"], ["z"]], "z");
  const done = follow(reader, clock.around, new AbortController().signal);
  await clock.until(() => taken.includes("a") || undefined);
  await clock.untilWaiting(25_000);
  clock.advance(25_000);
  await done;
  expect(kinds(links)).toEqual(["connecting", "live", "stale", "live", "complete"]);
});

test("a stream that does not begin within 10 s is given up", async () => {
  const clock = createHandClock();
  const { reader, links } = createReader([["silence"], ["z"]], "z");
  const done = follow(reader, clock.around, new AbortController().signal);
  await clock.untilWaiting(10_000);
  clock.advance(10_000);
  await clock.until(() => links.find((link) => link.kind === "reconnecting"));
  clock.wake();
  await done;
  expect(kinds(links)).toEqual(["connecting", "reconnecting", "live", "complete"]);
});

test("a wake-up ends the pause", async () => {
  const clock = createHandClock({ random: () => 1 });
  const { reader, links, taken } = createReader([[], ["z"]], "z");
  const done = follow(reader, clock.around, new AbortController().signal);
  await clock.until(() => links.find((link) => link.kind === "reconnecting"));
  clock.wake();
  await done;
  expect(taken).toEqual(["z"]);
});

test("without credentials it waits for a wake-up, not for a time", async () => {
  const clock = createHandClock();
  const { reader, links } = createReader([new ConnectError("who?", Code.Unauthenticated), ["z"]], "z");
  const done = follow(reader, clock.around, new AbortController().signal);
  await clock.until(() => links.find((link) => link.kind === "signed_out"));
  expect(clock.waiting()).toEqual([]);
  clock.wake();
  await done;
  expect(kinds(links)).toEqual(["connecting", "signed_out", "live", "complete"]);
});

test("a refusal that will not change ends it", async () => {
  const clock = createHandClock();
  const { reader, links, opened } = createReader([new ConnectError("no job job_1", Code.NotFound)], "z");
  await follow(reader, clock.around, new AbortController().signal);
  expect(links.at(-1)).toEqual({ kind: "refused", message: "no job job_1" });
  expect(opened).toHaveLength(1);
});

test("a cursor the gateway does not know makes the reader begin anew", async () => {
  const clock = createHandClock();
  const { reader, opened, links } = createReader([["a"], new ConnectError("too new", Code.OutOfRange), ["z"]], "z");
  const done = follow(reader, clock.around, new AbortController().signal);
  for (const attempt of [1, 2]) {
    await clock.until(() => links.find((link) => link.kind === "reconnecting" && link.attempt === attempt));
    clock.wake();
  }
  await done;
  expect(opened).toEqual([0, 1, 0]);
});

test("the abort of its signal ends it, also in a pause, and leaves no timer behind", async () => {
  const clock = createHandClock();
  const stop = new AbortController();
  const { reader, links } = createReader([], "never");
  const done = follow(reader, clock.around, stop.signal);
  await clock.until(() => links.find((link) => link.kind === "reconnecting"));
  stop.abort();
  await done;
  expect(clock.waiting()).toEqual([]);
});

type Script = readonly string[] | ConnectError;

/** A reader of scripted streams, one script an opening; the message "silence" keeps a stream open and quiet. */
function createReader(scripts: readonly Script[], last: string) {
  const opened: number[] = [];
  const taken: string[] = [];
  const links: Link[] = [];
  let cursor = 0;
  const reader: Readable<string> = {
    open: (signal) => {
      const script = scripts[opened.length] ?? [];
      opened.push(cursor);
      return play(script, signal);
    },
    take: (message) => {
      taken.push(message);
      cursor++;
    },
    isComplete: () => taken.at(-1) === last,
    restart: () => {
      cursor = 0;
    },
    report: (link) => links.push(link),
  };
  return { reader, opened, taken, links };
}

async function* play(script: Script, signal: AbortSignal): AsyncGenerator<string> {
  if (script instanceof ConnectError) throw script;
  for (const message of script) {
    if (message !== "silence") yield message;
    else
      await new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(new ConnectError("aborted", Code.Canceled))),
      );
  }
}

function kinds(links: readonly Link[]): readonly Link["kind"][] {
  return links.map((link) => link.kind);
}
