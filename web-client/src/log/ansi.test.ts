import { expect, test } from "vitest";
import { plainStyle, readAnsi, styleClasses } from "./ansi.ts";

test.each([
  ["plain text", "hello", [["hello", ""]]],
  [
    "a colour and its end",
    "\x1b[31mred\x1b[0m on",
    [
      ["red", "ansi-fg-1"],
      [" on", ""],
    ],
  ],
  ["bright and background", "\x1b[92;44mx", [["x", "ansi-fg-10 ansi-bg-4"]]],
  [
    "attributes, switched off one by one",
    "\x1b[1;4ma\x1b[22mb\x1b[24mc",
    [
      ["a", "ansi-bold ansi-underline"],
      ["b", "ansi-underline"],
      ["c", ""],
    ],
  ],
  ["an indexed colour among the 16", "\x1b[38;5;9mx", [["x", "ansi-fg-9"]]],
  ["true colour, which is not drawn", "\x1b[38;2;1;2;3;1mx", [["x", "ansi-bold"]]],
  [
    "cursor moves and erasing, dropped",
    "a\x1b[2Kb\x1b[1;1Hc",
    [
      ["a", ""],
      ["b", ""],
      ["c", ""],
    ],
  ],
  ["a title, dropped", "\x1b]0;owned\x07after", [["after", ""]]],
  ["a link, dropped to its text", "\x1b]8;;http://x\x1b\\text\x1b]8;;\x1b\\", [["text", ""]]],
  ["a clipboard write without an end, dropped", "\x1b]52;c;aGk=", []],
  ["an 8-bit sequence", "\x9b31mx", [["x", "ansi-fg-1"]]],
  ["a sequence cut off by the end of the line", "x\x1b[3", [["x", ""]]],
])("%s", (_, line, expected) => {
  expect(readAnsi(line, plainStyle).spans.map(({ text, style }) => [text, styleClasses(style)])).toEqual(expected);
});

test("the style goes on in the next line", () => {
  const { end } = readAnsi("\x1b[1;33mfirst", plainStyle);
  expect(readAnsi("second", end).spans.map(({ style }) => styleClasses(style))).toEqual(["ansi-bold ansi-fg-3"]);
});

test("markup stays text", () => {
  const text = '<img src=x onerror="alert(1)">';
  expect(readAnsi(text, plainStyle).spans).toEqual([{ text, style: plainStyle }]);
});
