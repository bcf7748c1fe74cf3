import { expect, test } from "vitest";
import { countLineEnds } from "#protocol/batch.ts";
import { WrittenLog } from "./written-log.ts";

test.each<[string, string, readonly string[]]>([
  [
    "a block of progress bars is drawn over",
    `a 1%\nb 1%\n${"\x1b[2Aa 50%\nb 60%\n".repeat(3)}\x1b[2A\x1b[2Ka ok\n\x1b[2Kb ok\ndone\n`,
    ["a ok", "b ok", "done"],
  ],
  ["without a line end behind its last line", "a\nb\nc\x1b[2A\rA\nB\nC\nend\n", ["A", "B", "C", "end"]],
  [
    "a program that erases its lines and draws anew",
    "one\ntwo\n\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2K\x1b[Gthree\n",
    ["three", ""],
  ],
  ["erased to the end of the screen", "one\ntwo\nthree\n\x1b[3A\x1b[Jnew\n", ["new", "", ""]],
  ["up further than there is", "a\n\x1b[50Ab\n", ["b"]],
  ["down again", "a\nb\n\x1b[2AA\x1b[1B\rB\n", ["A", "B"]],
  ["blank lines stay", "a\n\n\nb\n", ["a", "", "", "b"]],
])("%s", (_, printed, shown) => {
  const log = new WrittenLog();
  log.print(printed, { line: 1 });
  expect(log.texts).toEqual(shown);
});

test("lines drawn over keep their number, and the numbers that were drawn with are gone", () => {
  const log = new WrittenLog();
  log.print("a\nb\n\x1b[2AA\nB\nc\n", { line: 1 });
  expect(log.rows.map(({ item }) => item)).toEqual([1, 2, 5]);
});

test("what is more than a screen above is not reached", () => {
  const log = new WrittenLog();
  const lines = Array.from({ length: 500 }, (_, at) => `line ${at + 1}`);
  log.print(`${lines.join("\n")}\n\x1b[400Aover\n`, { line: 1 });
  expect(log.texts.indexOf("over1")).toBe(-1);
  expect(log.texts.findIndex((text) => text.startsWith("over"))).toBe(400);
});

test("colours of other cells stay when a line is drawn over", () => {
  const log = new WrittenLog();
  log.print("\x1b[31mred\x1b[0m tail\n\x1b[1A\x1b[4Chead\n", { line: 1 });
  const [row] = log.rows;
  expect(row?.kind === "line" && row.spans).toEqual([{ text: "red", colour: "#ff7b72" }, { text: " head" }]);
});

test("thousands of states take the memory of the last", () => {
  const log = new WrittenLog();
  const frame = `\x1b[3A${"x".repeat(50)}\n${"y".repeat(50)}\n${"z".repeat(50)}\n`;
  let line = 4;
  log.print("1\n2\n3\n", { line: 1 });
  for (let at = 0; at < 3_000; at++) {
    log.print(frame, { line });
    line += countLineEnds(new TextEncoder().encode(frame));
  }
  expect(log.texts).toEqual(["x".repeat(50), "y".repeat(50), "z".repeat(50)]);
  expect(log.content.store.page(0)?.size).toBeLessThan(400_000);
});
