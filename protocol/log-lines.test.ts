import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import {
  type EventBatch,
  EventBatchSchema,
  type JobEvent,
  JobEventSchema,
  LogPositionSchema,
  LogStream,
} from "#gen/job/v1/job_event_pb.js";
import { JobState } from "#gen/job/v1/job_pb.js";
import { LineAssembler, type LogItem, maxPieceBytes } from "./log-lines.ts";

const { STDOUT, STDERR } = LogStream;

test("lines come out the same however the bytes were cut", () => {
  const text = "one\n\ndrei ☃ and 🔥\r\nlast without end";
  const expected = lines(feed([{ stream: STDOUT, data: text }]));
  for (let size = 1; size <= bytes(text).length; size += 1) expect(lines(feed(cut(text, size)))).toEqual(expected);
  expect(expected).toEqual([
    [1, STDOUT, "one", "whole"],
    [2, STDOUT, "", "whole"],
    [3, STDOUT, "drei ☃ and 🔥\r", "whole"],
    [4, STDOUT, "last without end", "partial"],
  ]);
});

test("a line carries the number of the event that completed it and the time of the one that began it", () => {
  const items = feed([
    { stream: STDOUT, data: "hel" },
    { stream: STDOUT, data: "lo\nwor" },
    { stream: STDOUT, data: "ld\n" },
  ]);
  expect(items.map((item) => [item.sequence, item.time])).toEqual([
    [2, timestampFromMs(1000)],
    [3, timestampFromMs(2000)],
  ]);
});

test("two streams in mid-line do not mix", () => {
  const items = feed([
    { stream: STDOUT, data: "out " },
    { stream: STDERR, data: "err " },
    { stream: STDOUT, data: "one\n" },
    { stream: STDERR, data: "two\n" },
  ]);
  expect(lines(items)).toEqual([
    [1, STDOUT, "out one", "whole"],
    [2, STDERR, "err two", "whole"],
  ]);
});

test.each([
  [maxPieceBytes, [maxPieceBytes]],
  [maxPieceBytes + 1, [maxPieceBytes, 1]],
  [maxPieceBytes * 2 + 5, [maxPieceBytes, maxPieceBytes, 5]],
])("a line of %i bytes comes in pieces of %j", (length, sizes) => {
  for (const size of [1000, 65_536, length + 1]) {
    const pieces = lines(feed(cut(`${"x".repeat(length)}\n`, size)));
    expect(pieces.map(([number, , text]) => [number, text.length])).toEqual(sizes.map((bytes) => [1, bytes]));
    expect(pieces.map(([, , , end]) => end)).toEqual(
      sizes.map((_, index) => (index + 1 < sizes.length ? "partial" : "whole")),
    );
  }
});

test("a piece of a long line never ends inside a character", () => {
  const text = `${"x".repeat(maxPieceBytes - 2)}🔥🔥`;
  const pieces = lines(feed(cut(`${text}\n`, 7)));
  expect(pieces.map(([, , piece]) => piece)).toEqual(["x".repeat(maxPieceBytes - 2), "🔥🔥"]);
});

test("bytes that are no UTF-8 stay as they are", () => {
  const data = new Uint8Array(maxPieceBytes + 10).fill(0x80);
  const items = new LineAssembler().pushBatch(batch([{ case: "log", value: { stream: STDOUT, firstLine: 1, data } }]));
  expect(items.map((item) => (item.kind === "line" ? item.bytes.length : 0))).toEqual([maxPieceBytes]);
});

test("a gap ends the line before it, and the line after it is not mistaken for headless", () => {
  const items = new LineAssembler().pushBatch(
    batch([
      { case: "log", value: { stream: STDOUT, firstLine: 1, data: bytes("head\nhalf") } },
      { case: "logGap", value: { stream: STDOUT, fromOffset: 9n, toOffset: 99n, lines: 4 } },
      { case: "log", value: { stream: STDOUT, offset: 99n, firstLine: 6, data: bytes("tail\n") } },
    ]),
  );
  expect(items.map((item) => (item.kind === "gap" ? "gap" : [item.number, item.partial, item.headless]))).toEqual([
    [1, false, false],
    [2, true, false],
    "gap",
    [6, false, false],
  ]);
});

test.each<[string, JobEvent["payload"]]>([
  ["the end of the attempt", create(JobEventSchema, { payload: { case: "attemptEnded", value: {} } }).payload],
  ["a hole in the events", create(JobEventSchema, { payload: { case: "eventGap", value: {} } }).payload],
  [
    "a final state",
    create(JobEventSchema, { payload: { case: "stateChanged", value: { status: { state: JobState.FAILED } } } })
      .payload,
  ],
])("%s delivers the unfinished lines, the older first", (_, payload) => {
  const assembler = new LineAssembler();
  assembler.pushBatch(batch([{ case: "log", value: { stream: STDERR, firstLine: 1, data: bytes("a") } }]));
  assembler.push(
    2,
    create(JobEventSchema, { payload: { case: "log", value: { stream: STDOUT, firstLine: 2, data: bytes("b") } } }),
  );
  expect(lines(assembler.push(3, create(JobEventSchema, { payload })))).toEqual([
    [1, STDERR, "a", "partial"],
    [2, STDOUT, "b", "partial"],
  ]);
});

test("a reader that starts in mid-line is told, and only about that line", () => {
  const whole = [
    { stream: STDOUT, data: "one\ntw" },
    { stream: STDERR, data: "x" },
    { stream: STDOUT, data: "o\nthree\n" },
  ];
  const batches = toBatches(whole);
  const late = new LineAssembler();
  const items = batches.slice(2).flatMap((each) => late.pushBatch(each));
  expect(items.map((item) => item.kind === "line" && [item.number, item.headless])).toEqual([
    [2, true],
    [4, false],
  ]);
});

test("a reader that starts late is told which streams may hide an unfinished line", () => {
  const position = { stdoutOffset: 9n, stderrOffset: 3n, lines: 4 };
  const late = new LineAssembler();
  late.place(create(LogPositionSchema, position));
  expect(late.unseen).toEqual([STDOUT, STDERR]);
  late.push(
    9,
    create(JobEventSchema, { payload: { case: "log", value: { stream: STDOUT, firstLine: 5, data: bytes("x") } } }),
  );
  expect(late.unseen).toEqual([STDERR]);
  const early = new LineAssembler();
  early.place(create(LogPositionSchema));
  expect(early.unseen).toEqual([]);
});

interface Output {
  readonly stream: LogStream;
  readonly data: string | Uint8Array;
}

function cut(text: string, size: number): Output[] {
  const all = bytes(text);
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) => ({
    stream: STDOUT,
    data: all.subarray(index * size, (index + 1) * size),
  }));
}

function feed(outputs: readonly Output[]): LogItem[] {
  const assembler = new LineAssembler();
  const items = toBatches(outputs).flatMap((each) => assembler.pushBatch(each));
  return [...items, ...assembler.finish(outputs.length + 1)];
}

/** Numbers lines as a runner does: a line is begun by its first byte, whichever stream it is of. */
function toBatches(outputs: readonly Output[]): EventBatch[] {
  const open = new Map<LogStream, number>();
  const offsets = new Map<LogStream, number>();
  let begun = 0;
  let sequence = 1;
  return outputs.flatMap(({ stream, data: raw }, index) => {
    const data = typeof raw === "string" ? bytes(raw) : raw;
    const before = begun;
    const runs: { firstLine: number; data: Uint8Array }[] = [];
    let start = 0;
    while (start < data.length) {
      const number = open.get(stream) ?? begun + 1;
      const feedAt = data.indexOf(10, start);
      const end = feedAt === -1 ? data.length : feedAt + 1;
      const last = runs.at(-1);
      const follows = last !== undefined && number === last.firstLine + last.data.filter((byte) => byte === 10).length;
      if (follows) last.data = data.subarray(last.data.byteOffset - data.byteOffset, end);
      else runs.push({ firstLine: number, data: data.subarray(start, end) });
      begun = Math.max(begun, number);
      if (feedAt === -1) open.set(stream, number);
      else open.delete(stream);
      start = end;
    }
    const offset = offsets.get(stream) ?? 0;
    offsets.set(stream, offset + data.length);
    const firstSequence = sequence;
    sequence += runs.length;
    return create(EventBatchSchema, {
      header: { firstSequence, count: runs.length, log: { lines: before } },
      events: runs.map((run) => ({
        time: timestampFromMs((index + 1) * 1000),
        payload: { case: "log" as const, value: { stream, offset: BigInt(offset), ...run } },
      })),
    });
  });
}

type Payload = MessageInitShape<typeof JobEventSchema>["payload"];

function batch(payloads: Payload[]): EventBatch {
  return create(EventBatchSchema, {
    header: { firstSequence: 1, count: payloads.length },
    events: payloads.map((payload) => create(JobEventSchema, payload === undefined ? {} : { payload })),
  });
}

function lines(items: readonly LogItem[]): [number, LogStream, string, "partial" | "whole"][] {
  return items.flatMap((item) =>
    item.kind === "line"
      ? [[item.number, item.stream, new TextDecoder().decode(item.bytes), item.partial ? "partial" : "whole"]]
      : [],
  );
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
