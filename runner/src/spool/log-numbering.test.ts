import { expect, test } from "vitest";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { LogNumbering, linesAfter, splitPiece } from "./log-numbering.ts";

const { STDOUT, STDERR } = LogStream;
const start = { stdoutOffset: 0, stderrOffset: 0, lines: 0 };

function number(...writes: [LogStream.STDOUT | LogStream.STDERR, string][]) {
  const numbering = new LogNumbering(start);
  return writes.flatMap(([stream, text]) =>
    numbering
      .number(stream, Buffer.from(text), 0)
      .map(({ firstLine, offset, data }) => [firstLine, offset, Buffer.from(data).toString()]),
  );
}

test("lines are numbered over both streams in the order of their first bytes", () => {
  expect(number([STDOUT, "a\nb\n"], [STDERR, "c\n"], [STDOUT, "d\n"])).toEqual([
    [1, 0, "a\nb\n"],
    [3, 0, "c\n"],
    [4, 4, "d\n"],
  ]);
});

test("a line goes on with its number when nothing else was begun", () => {
  expect(number([STDOUT, "a"], [STDOUT, "b"], [STDOUT, "c\nd"])).toEqual([
    [1, 0, "a"],
    [1, 1, "b"],
    [1, 2, "c\nd"],
  ]);
});

test("the rest of an older line stands alone", () => {
  expect(number([STDOUT, "a"], [STDERR, "e1\ne2"], [STDOUT, "b\nc\n"], [STDERR, "!\n"])).toEqual([
    [1, 0, "a"],
    [2, 0, "e1\ne2"],
    [1, 1, "b\n"],
    [4, 3, "c\n"],
    [3, 5, "!\n"],
  ]);
});

test("an older line may go on without coming to its end", () => {
  expect(number([STDOUT, "a"], [STDERR, "e\n"], [STDOUT, "b"], [STDOUT, "c\n"], [STDOUT, "d"])).toEqual([
    [1, 0, "a"],
    [2, 0, "e\n"],
    [1, 1, "b"],
    [1, 2, "c\n"],
    [3, 4, "d"],
  ]);
});

test("counting goes on from where an earlier attempt left it", () => {
  const numbering = new LogNumbering({ stdoutOffset: 10, stderrOffset: 5, lines: 3 });
  const [piece] = numbering.number(STDERR, Buffer.from("x\n"), 0);
  expect(piece).toMatchObject({ firstLine: 4, offset: 5, linesBefore: 3 });
});

test("the parts of a split piece are numbered as if they had come one by one", () => {
  const [piece] = new LogNumbering(start).number(STDOUT, Buffer.from("ab\ncd\nef"), 0);
  if (piece === undefined) throw new Error("no piece");
  const [first, second] = splitPiece(piece, 4);
  expect(first).toMatchObject({ firstLine: 1, lineEnds: 1 });
  expect(second).toMatchObject({ firstLine: 2, offset: 4, linesBefore: 2, lineEnds: 1 });
  expect(linesAfter(second)).toBe(3);
});
