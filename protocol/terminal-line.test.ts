import { expect, test } from "vitest";
import { drawsOver, TerminalRow, terminalTokens, visibleText } from "./terminal-line.ts";

test.each([
  ["plain text", "a\tb", "a\tb"],
  ["colours", "\x1b[1;31mred\x1b[0m on", "red on"],
  ["a progress bar", "10%\r50%\r100%", "100%"],
  ["a shorter state over a longer one", "downloading\rdone", "doneloading"],
  ["erasing the line first", "downloading\r\x1b[Kdone", "done"],
  ["erasing the whole line", "downloading\x1b[2K\rdone", "done"],
  ["the line end of Windows", "text\r", "text"],
  ["backspaces", "abc\b\bX", "aXc"],
  ["moves within the line", "abc\x1b[2DX\x1b[5GY", "aXc Y"],
  ["deleted characters", "abcdef\r\x1b[2P", "cdef"],
  ["a title and a link", "\x1b]0;title\x07\x1b]8;;http://x\x1b\\text\x1b]8;;\x1b\\", "text"],
  ["a sequence cut off by the end", "x\x1b[3", "x"],
  ["characters of two units", "🔥🔥\r☃", "☃🔥"],
])("%s", (_, line, text) => {
  expect(visibleText(line)).toBe(text);
  const row = new TerminalRow<undefined>();
  for (const token of terminalTokens(line)) row.take(token, undefined);
  expect(row.text).toBe(text);
});

test("a jump far to the right costs no more than a long line", () => {
  expect(visibleText("\x1b[999999999Gx").length).toBeLessThanOrEqual(65_536);
});

test("only what draws over itself says so", () => {
  expect(["a\rb", "\x1b[2Kx", "a\bb"].map(drawsOver)).toEqual([true, true, true]);
  expect(["a\r", "a\r\r", "\x1b[31mx\x1b[m", "plain"].map(drawsOver)).toEqual([false, false, false, false]);
});

test("each cell keeps the style that it was written in", () => {
  const row = new TerminalRow<string>();
  row.take({ kind: "text", text: "abcd" }, "red");
  row.take({ kind: "return" }, "red");
  row.take({ kind: "text", text: "xy" }, "blue");
  expect(row.runs).toEqual([
    { text: "xy", style: "blue" },
    { text: "cd", style: "red" },
  ]);
});
