import { expect, test } from "vitest";
import type { Span } from "../log-row.ts";
import { contrastRatio } from "./ansi-colour.ts";
import { plainStyle, styleSequence } from "./ansi-style.ts";
import { readLine, toSpans } from "./line-spans.ts";

test.each<[string, string, readonly Span[]]>([
  ["plain text", "hello", [{ text: "hello" }]],
  ["a colour and its end", "\x1b[31mred\x1b[0m on", [{ text: "red", colour: "#ff7b72" }, { text: " on" }]],
  ["bright", "\x1b[92mx", [{ text: "x", colour: "#7ee2b0" }]],
  ["an indexed colour", "\x1b[38;5;9mx", [{ text: "x", colour: "#ffa198" }]],
  ["a colour of the cube", "\x1b[38;5;226mx", [{ text: "x", colour: "#ffff00" }]],
  ["a grey", "\x1b[38;5;255mx", [{ text: "x", colour: "#eeeeee" }]],
  ["true colour", "\x1b[38;2;255;200;100mx", [{ text: "x", colour: "#ffc864" }]],
  ["true colour with colons and a colour space", "\x1b[38:2::255:200:100mx", [{ text: "x", colour: "#ffc864" }]],
  ["a ground", "\x1b[48;2;0;0;95mx", [{ text: "x", colour: "#f2f4f7", ground: "#00005f" }]],
  ["inverse", "\x1b[7mx", [{ text: "x", colour: "#0b0d10", ground: "#f2f4f7" }]],
  [
    "attributes, switched off one by one",
    "\x1b[1;4ma\x1b[22mb\x1b[24;9mc\x1b[29;3md",
    [
      { text: "a", classes: "ansi-bold ansi-underline" },
      { text: "b", classes: "ansi-underline" },
      { text: "c", classes: "ansi-strike" },
      { text: "d", classes: "ansi-italic" },
    ],
  ],
  ["moves of the screen, dropped", "a\x1b[1;1Hb\x1b[?25lc", [{ text: "a" }, { text: "b" }, { text: "c" }]],
  ["a clipboard write without an end, dropped", "\x1b]52;c;aGk=", []],
  ["an 8-bit sequence", "\x9b31mx", [{ text: "x", colour: "#ff7b72" }]],
  ["a progress bar in colour", "\x1b[32m 10%\r\x1b[33m100%\x1b[0m\x1b[K", [{ text: "100%", colour: "#e3b341" }]],
  [
    "a hyperlink",
    "\x1b]8;;https://example.org/a\x1b\\text\x1b]8;;\x1b\\ on",
    [{ text: "text", href: "https://example.org/a" }, { text: " on" }],
  ],
  ["a hyperlink to a script, as text", "\x1b]8;;javascript:alert(1)\x07text", [{ text: "text" }]],
  [
    "a bare link",
    "see https://example.org/x?y=1. And",
    [{ text: "see " }, { text: "https://example.org/x?y=1", href: "https://example.org/x?y=1" }, { text: ". And" }],
  ],
  [
    "text that turns around, with marks",
    "a\u202eb",
    [{ text: "a" }, { text: "‹U+202E›", isMark: true }, { text: "b" }],
  ],
  ["markup, as text", '<img src=x onerror="alert(1)">', [{ text: '<img src=x onerror="alert(1)">' }]],
])("%s", (_, line, spans) => {
  expect(toSpans(readLine(line, plainStyle).runs, { most: 1_000, hits: [] }).spans).toEqual(spans);
});

test("the style goes on in the next line, a hyperlink does not", () => {
  const { end } = readLine("\x1b[1;33mfirst \x1b]8;;https://example.org\x07link", plainStyle);
  const [span] = toSpans(readLine("second", end).runs, { most: 100, hits: [] }).spans;
  expect(span).toEqual({ text: "second", colour: "#e3b341", classes: "ansi-bold" });
});

test("a style written as a sequence reads as the same style", () => {
  const { end } = readLine("\x1b[1;3;38;5;200;48;2;1;2;3m", plainStyle);
  expect(readLine(styleSequence(end), plainStyle).end).toEqual(end);
});

test("text of any colour on any ground can be read", () => {
  const channels = [0, 60, 120, 180, 255];
  const colours = channels.flatMap((red) => channels.flatMap((green) => channels.map((blue) => [red, green, blue])));
  for (const front of colours) {
    const [onLog] = spansOf(`\x1b[38;2;${front.join(";")}mx`);
    expect(contrastRatio(onLog?.colour ?? "", "#0b0d10")).toBeGreaterThanOrEqual(4.5);
    for (const back of colours) {
      const [span] = spansOf(`\x1b[2;38;2;${front.join(";")};48;2;${back.join(";")}mx`);
      expect(contrastRatio(span?.colour ?? "", span?.ground ?? "")).toBeGreaterThanOrEqual(4.5);
    }
  }
});

test("what was found is marked across colours and links", () => {
  const { runs } = readLine("ab\x1b[31mcd\x1b[0mef", plainStyle);
  expect(
    toSpans(runs, { most: 100, hits: [{ from: 1, to: 5 }] }).spans.map(({ text, isHit }) => [text, isHit]),
  ).toEqual([
    ["a", undefined],
    ["b", true],
    ["cd", true],
    ["e", true],
    ["f", undefined],
  ]);
});

test("a long line is cut, and says how much is not shown", () => {
  const { spans, cut } = toSpans(readLine(`\x1b[31m${"x".repeat(30)}`, plainStyle).runs, { most: 10, hits: [] });
  expect([spans.map(({ text }) => text), cut]).toEqual([["x".repeat(10)], 20]);
});

function spansOf(line: string): readonly Span[] {
  return toSpans(readLine(line, plainStyle).runs, { most: 100, hits: [] }).spans;
}
