import { expect, test } from "vitest";
import { layOut } from "./layout.ts";
import { readRow } from "./row-reader.ts";
import { textOfRow, WrittenLog } from "./written-log.ts";

test("groups of GitHub fold once they ended, but the last and those that failed", () => {
  const log = print([
    "::group::build",
    "one",
    "::endgroup::",
    "::group::test",
    "^^^ +++",
    "::endgroup::",
    "::group::ship",
    "go",
  ]);
  expect(folded(log)).toEqual(["build (1, folded)", "test (0, failed)", "ship (1, open)", "go"]);
});

test("sections of Buildkite end where the next begins; one with +++ stays open", () => {
  const log = print(["--- one", "a", "+++ two", "b", "~~~ three", "c", "--- four"]);
  expect(folded(log)).toEqual(["one (1, folded)", "two (1)", "b", "three (1, folded)", "four (0, open)"]);
});

test("the head of a patch is no group", () => {
  expect(print(["--- a/file.ts", "+++ b/file.ts", "--- /dev/null", "---", "--x"]).content.groups.all).toEqual([]);
});

test("a person's choice holds against the rule", () => {
  const log = print(["--- one", "a", "--- two", "b"]);
  log.content.groups.choose(1, false);
  log.content.groups.choose(3, true);
  expect(folded(log)).toEqual(["one (1)", "a", "two (1, open, folded)"]);
  log.content.groups.choose("all", true);
  expect(folded(log)).toEqual(["one (1, folded)", "two (1, open, folded)"]);
});

test("each tool call is a group, also when others begin before it is answered", () => {
  const log = new WrittenLog();
  log.write({ kind: "toolCall", id: "1", title: "Bash npm test", timeMs: 1_000 });
  log.write({ kind: "toolCall", id: "2", title: "Read a.ts", timeMs: 1_500 });
  log.write({ kind: "toolResult", id: "2", text: "const a = 1;\n", hasFailed: false, timeMs: 2_000 });
  log.write({ kind: "toolResult", id: "1", text: "failed\nbadly", hasFailed: true, timeMs: 4_000 });
  expect(folded(log)).toEqual([
    "Bash npm test (0, folded)",
    "Read a.ts (1, folded)",
    "Bash npm test (2, failed)",
    "failed",
    "badly",
  ]);
  expect(log.content.groups.all.map(({ startMs, endMs }) => endMs - startMs)).toEqual([500, 500, 3_000]);
});

test("the last group of a job that failed is the one that failed", () => {
  const log = print(["--- one", "a"]);
  log.write({ kind: "end", hasFailed: true });
  expect(folded(log)).toEqual(["one (1, failed)", "a"]);
});

test("groups that may not fold yet stay as they are", () => {
  const { content } = print(["--- one", "a", "--- two"]);
  expect([content.groups.stretches(0).length, content.groups.stretches(1).length]).toEqual([0, 1]);
});

test("the next and the last group are found from inside and from a head", () => {
  const { groups, sequence } = print(["x", "--- one", "a", "--- two", "b"]).content;
  const beside = (line: number, step: 1 | -1) => groups.beside(sequence.placeOf(line), step)?.head;
  expect([beside(1, 1), beside(3, 1), beside(3, -1), beside(4, -1), beside(4, 1)]).toEqual([2, 4, 2, 2, undefined]);
});

function print(lines: readonly string[]): WrittenLog {
  const log = new WrittenLog();
  log.print(`${lines.join("\n")}\n`, { line: 1 });
  return log;
}

/** The rows with everything folded that may be, and of a group how it stands. */
function folded({ content }: WrittenLog): readonly string[] {
  const mayFold = content.groups.ended;
  const layout = layOut(
    content.sequence,
    { kind: "without", stretches: content.groups.stretches(mayFold) },
    { first: 0, count: 0 },
  );
  return Array.from({ length: layout.rowCount }, (_, at) => {
    const row = readRow(content, layout.itemAt(at) ?? 0, { search: undefined, mostCharacters: 100, mayFold });
    const { group } = row;
    if (!group) return textOfRow(row);
    const words = [`${group.rows}`, group.isOpen && "open", group.hasFailed && "failed", group.isFolded && "folded"];
    return `${textOfRow(row)} (${words.filter(Boolean).join(", ")})`;
  });
}
