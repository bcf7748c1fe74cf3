import { RE2JS } from "@bufbuild/re2";
import { expect, test } from "vitest";
import type { Frame, FromWorker, LogEntry, Look } from "../log-messages.ts";
import { type StoreLimits, storeLimits } from "./line-store.ts";
import { LogDesk } from "./log-desk.ts";
import { textOfRow } from "./written-log.ts";

test("a view is answered when there is something new, and not before", async () => {
  const desk = openDesk();
  desk.print("one\n", 1);
  const first = desk.look({ known: 0 });
  expect(first?.rows.map(textOfRow)).toEqual(["one"]);
  expect(desk.look({ known: first?.version ?? 0 })).toBe(undefined);
  desk.print("two\n", 2);
  expect(desk.frames.at(-1)?.rows.map(textOfRow)).toEqual(["one", "two"]);
});

test("every line that matches is counted, also while more come and in ranges that are not held", async () => {
  const desk = openDesk({ limits: { lines: 4_096, bytes: 10_000_000 }, far: (from, to) => multiples(from, to, 10) });
  desk.print(numbered(1, 10_000), 1);
  desk.hear({ kind: "search", view: 1, query: { text: "0", isExpression: false, matchCase: false } });
  await desk.settle();
  const endsInZero = (to: number) => multiples(1, to, 10).length;
  // Far lines match by the gateway's answer, which here knows only those that end in 0.
  const near = Array.from({ length: 10_000 }, (_, at) => at + 1).filter(
    (line) => line > desk.farTo && String(line).includes("0"),
  );
  expect(desk.look({ known: 0 })?.search).toMatchObject({ count: endsInZero(desk.farTo) + near.length, isDone: true });
  desk.print("a 0 more\nnothing\n", 10_001);
  await desk.settle();
  expect(desk.look({ known: 0 })?.search?.count).toBe(endsInZero(desk.farTo) + near.length + 1);
});

test("colours do not hide what is looked for, and expressions take RE2's syntax", async () => {
  const desk = openDesk();
  desk.print("\x1b[31mer\x1b[0mror one\nError 22\nnothing\n", 1);
  const count = async (text: string, isExpression: boolean, matchCase = false) => {
    desk.hear({ kind: "search", view: 1, query: { text, isExpression, matchCase } });
    await desk.settle();
    const { search } = desk.look({ known: 0 }) ?? {};
    return search?.failure ? "refused" : search?.count;
  };
  expect([await count("error", false), await count("error", false, true), await count("Error", false, true)]).toEqual([
    2, 1, 1,
  ]);
  expect([await count("^error \\d+$", true), await count("(?<=e)r", true)]).toEqual([1, "refused"]);
});

test("a filter shows matches with two lines around them", async () => {
  const desk = openDesk();
  desk.print(numbered(1, 100), 1);
  desk.hear({ kind: "search", view: 1, query: { text: "line 5", isExpression: false, matchCase: false } });
  desk.hear({ kind: "filter", view: 1, isOn: true });
  await desk.settle();
  expect(desk.look({ known: 0 })?.rows.map(({ item }) => item)).toEqual([3, 4, 5, 6, 7, ...range(48, 61)]);
});

test("matches, errors and groups are gone to one by one, and what is folded opens", async () => {
  const desk = openDesk();
  desk.print("--- one\nERROR: a\nwanted\n--- two\nfine\nERROR: b\nERROR: c\nwanted\n--- three\n", 1);
  desk.hear({ kind: "search", view: 1, query: { text: "wanted", isExpression: false, matchCase: false } });
  await desk.settle();
  expect(desk.look({ known: 0 })?.rows.map(textOfRow)).toEqual(["one", "two", "three"]);
  expect(await desk.goTo({ kind: "match", from: 1, step: 1 })).toMatchObject({ item: 3, row: 2, before: 0 });
  expect(await desk.goTo({ kind: "match", from: 3, step: 1 })).toMatchObject({ item: 8, before: 1 });
  expect(await desk.goTo({ kind: "match", from: 8, step: 1 })).toBe(undefined);
  expect(await desk.goTo({ kind: "error", from: 2, step: 1 })).toMatchObject({ item: 6 });
  expect(await desk.goTo({ kind: "error", from: 6, step: -1 })).toMatchObject({ item: 2 });
  expect(await desk.goTo({ kind: "group", from: 4, step: 1 })).toMatchObject({ item: 9 });
  expect(await desk.goTo({ kind: "line", line: 5 })).toMatchObject({ item: 5, row: 4 });
});

test("the end of a long log is shown before the rest has come, and the rest is asked for where it is looked at", () => {
  const desk = openDesk();
  const lines = range(9_951, 10_000).map((number) => far(number));
  desk.hear({ kind: "total", lines: 10_000 });
  desk.hear({ kind: "lines", from: 9_951, to: 10_000, lines });
  const frame = desk.look({ known: 0, atEnd: true });
  expect([frame?.rowCount, frame?.facts.heldFrom, frame?.rows.map(textOfRow).at(-1)]).toEqual([
    10_000,
    9_951,
    "far 10000",
  ]);
  const above = desk.look({ known: 0, first: 100, count: 10 });
  expect(above?.rows.every((row) => row.kind === "missing")).toBe(true);
  expect(desk.posted.at(-1)).toEqual({ kind: "needLines", from: 1, to: 1_024 });
});

test("a reader's row is found again when rows above it go", () => {
  const desk = openDesk();
  desk.print("--- one\na\nb\n--- two\nc\nd\n", 1);
  desk.look({ known: 0, atEnd: true });
  desk.hear({ kind: "fold", head: 1, isFolded: false });
  expect(desk.look({ known: 0, anchor: 6 })?.anchorRow).toBe(5);
  desk.hear({ kind: "fold", head: 1, isFolded: true });
  expect(desk.look({ known: 0, anchor: 6 })?.anchorRow).toBe(3);
});

test("nothing folds by itself while its reader has left the end", () => {
  const desk = openDesk();
  desk.print("--- one\na\n", 1);
  expect(desk.look({ known: 0 })?.rows.length).toBe(2);
  desk.print("--- two\nb\n", 3);
  expect(desk.look({ known: 0 })?.rows.map(textOfRow)).toEqual(["one", "a", "two", "b"]);
  expect(desk.look({ known: 0, atEnd: true })?.rows.map(textOfRow)).toEqual(["one", "two", "b"]);
});

test("lines are copied as they show or with their colours, without what stands beside them", async () => {
  const desk = openDesk();
  desk.print("\x1b[31mred\ngreen\x1b[0m\n1%\r2%\n", 1);
  expect(await desk.readText(1, 3, "plain")).toBe("red\ngreen\n2%\n");
  expect(await desk.readText(2, 2, "ansi")).toBe("\x1b[0;38;5;1mgreen\x1b[0m\n");
});

/** A desk whose page answers for lines that are not held. */
function openDesk(options: { limits?: StoreLimits; far?: (from: number, to: number) => readonly number[] } = {}) {
  const posted: FromWorker[] = [];
  const work: (() => void)[] = [];
  let calls = 0;
  let farTo = 0;
  const desk = new LogDesk({
    limits: options.limits ?? storeLimits,
    soon: (next) => work.push(next),
    expression: async ({ text }) => {
      const expression = RE2JS.compile(text, RE2JS.CASE_INSENSITIVE);
      return (tested) => expression.test(tested);
    },
    post: (message) => {
      posted.push(message);
      if (message.kind !== "needMatches") return;
      farTo = Math.max(farTo, message.to);
      const numbers = options.far?.(message.from, message.to) ?? [];
      work.push(() => desk.hear({ kind: "farMatches", call: message.call, numbers, failure: "" }));
    },
  });
  const frames = () => posted.filter((message): message is { kind: "frame" } & Frame => message.kind === "frame");
  return {
    posted,
    hear: desk.hear.bind(desk),
    get frames() {
      return frames();
    },
    get farTo() {
      return farTo;
    },
    print: (text: string, line: number) => {
      const data = new TextEncoder().encode(text);
      const entries: LogEntry[] = [{ kind: "chunk", isError: false, firstLine: line, timeMs: 1, data }];
      desk.hear({ kind: "entries", entries });
    },
    look: (look: Partial<Look>) => {
      const before = frames().length;
      desk.hear({
        kind: "look",
        ...{ view: 1, known: 0, first: 0, count: 200, atEnd: false, anchor: 0, mostCharacters: 100 },
        ...look,
      });
      return frames()[before];
    },
    goTo: async (target: Extract<Parameters<typeof desk.hear>[0], { kind: "goTo" }>["target"]) => {
      desk.hear({ kind: "goTo", call: ++calls, view: 1, target });
      return posted.findLast((message) => message.kind === "found")?.found;
    },
    readText: async (from: number, to: number, format: "plain" | "ansi") => {
      desk.hear({ kind: "text", call: ++calls, from, to, format });
      return posted.findLast((message) => message.kind === "textRead")?.text;
    },
    settle: async () => {
      for (let laps = 0; laps < 50; laps++) {
        await Promise.resolve();
        for (const next of work.splice(0)) next();
      }
    },
  };
}

function numbered(from: number, to: number): string {
  return range(from, to)
    .map((number) => `line ${number}\n`)
    .join("");
}

function far(number: number) {
  return { number, isError: false, timeMs: 1, data: new TextEncoder().encode(`far ${number}`) };
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

function multiples(from: number, to: number, of: number): readonly number[] {
  return range(from, to).filter((number) => number % of === 0);
}
