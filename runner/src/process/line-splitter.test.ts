import { expect, test } from "vitest";
import { LineSplitter } from "./line-splitter.ts";

function split(parts: readonly string[], maxBytes = 8) {
  const lines: (readonly [string, boolean])[] = [];
  const splitter = new LineSplitter(maxBytes, ({ bytes, truncated }) =>
    lines.push([Buffer.from(bytes).toString(), truncated]),
  );
  for (const part of parts) splitter.push(Buffer.from(part));
  splitter.end();
  return lines;
}

test("lines come out whole, however they were cut", () => {
  const text = "ab\n\ncdef\ngh";
  for (let size = 1; size <= text.length; size += 1) {
    const parts = text.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
    expect(split(parts)).toEqual([
      ["ab", false],
      ["", false],
      ["cdef", false],
      ["gh", false],
    ]);
  }
});

test("a line past its limit is cut and said to be, and the next one is whole", () => {
  const long = "x".repeat(100);
  expect(split([`${long}\nok\n`])).toEqual([
    ["xxxxxxxx", true],
    ["ok", false],
  ]);
  expect(split([...long].concat("\n", "o", "k"))).toEqual([
    ["xxxxxxxx", true],
    ["ok", false],
  ]);
  expect(split(["12345678", "\n"])).toEqual([["12345678", false]]);
});
