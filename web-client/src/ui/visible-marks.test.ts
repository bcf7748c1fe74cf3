import { expect, test } from "vitest";
import { markUnseen, withMarks } from "./visible-marks.ts";

test.each([
  ["a bidi override", "a\u202eb", "a‹U+202E›b"],
  ["a zero-width space", "a\u200bb", "a‹U+200B›b"],
  ["a NUL and a bell", "\x00\x07", "␀␇"],
  ["a tag character", "x\u{e0041}", "x‹U+E0041›"],
  ["a C1 control", "\x85", "‹U+0085›"],
])("%s is seen", (_, text, expected) => {
  expect(withMarks(text)).toBe(expected);
});

test.each([
  ["tabs and newlines", "a\tb\nc"],
  ["a family of emoji", "👨‍👩‍👧"],
  ["other scripts", "שלום мир 日本"],
])("%s stay as they are", (_, text) => {
  expect(withMarks(text)).toBe(text);
});

test("marks are runs of their own", () => {
  expect(markUnseen("a\u202eb")).toEqual([
    { text: "a", isMark: false },
    { text: "‹U+202E›", isMark: true },
    { text: "b", isMark: false },
  ]);
});
