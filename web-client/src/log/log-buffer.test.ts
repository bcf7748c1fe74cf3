import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { GapReason, type JobEvent, JobEventSchema, LogStream } from "#gen/job/v1/job_event_pb.js";
import { LineAssembler } from "#protocol/log-lines.ts";
import { LogBuffer } from "./log-buffer.ts";

const { STDOUT, STDERR } = LogStream;
const text = "one\n\ntwo ☃ 🔥\r\nlast without end";

test("lines come out the same however the bytes were cut", () => {
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size++) {
    const log = new LogBuffer();
    for (const event of cut(bytes, size)) log.take(event);
    expect(lines(log)).toEqual(["1 one", "2 ", "3 two ☃ 🔥\r", "4 last without end"]);
  }
});

test("it shows the lines that the other readers get", () => {
  const events = [chunk(STDOUT, 1, "a\nb"), chunk(STDERR, 3, "oops\n"), chunk(STDOUT, 2, "b\n"), chunk(STDOUT, 4, "c")];
  const log = new LogBuffer();
  const assembler = new LineAssembler();
  const assembled = events.flatMap((event, index) => assembler.push(index + 1, event));
  for (const event of events) log.take(event);
  const others = [...assembled, ...assembler.finish(events.length)]
    .flatMap((item) => (item.kind === "line" ? [item] : []))
    .sort((one, other) => one.number - other.number);
  expect(lines(log)).toEqual(others.map(({ number, bytes }) => `${number} ${new TextDecoder().decode(bytes)}`));
});

test("a line is shown while it is still being written", () => {
  const log = new LogBuffer();
  log.take(chunk(STDOUT, 1, "dots ."));
  expect(lines(log)).toEqual(["1 dots ."]);
  log.take(chunk(STDOUT, 1, ".."));
  expect(lines(log)).toEqual(["1 dots ..."]);
});

test("two streams in mid-line do not mix", () => {
  const log = new LogBuffer();
  for (const event of [
    chunk(STDOUT, 1, "out "),
    chunk(STDERR, 2, "err "),
    chunk(STDOUT, 1, "put\n"),
    chunk(STDERR, 2, "or\n"),
  ]) {
    log.take(event);
  }
  expect(log.rows.map((row) => row.kind === "line" && [row.number, row.isError, row.text])).toEqual([
    [1, false, "out put"],
    [2, true, "err or"],
  ]);
});

test("a colour carries on to the next line of its stream alone", () => {
  const log = new LogBuffer();
  log.take(chunk(STDOUT, 1, "\x1b[31mred\n"));
  log.take(chunk(STDERR, 2, "plain\n"));
  log.take(chunk(STDOUT, 3, "still red\n"));
  expect(log.rows.map((row) => row.kind === "line" && row.style.foreground)).toEqual([undefined, undefined, 1]);
});

test("a gap is told in its place", () => {
  const log = new LogBuffer();
  log.take(chunk(STDOUT, 1, "before\ncut he"));
  const gap = { stream: STDOUT, fromOffset: 13n, toOffset: 1_013n, lines: 12, reason: GapReason.OUTPUT_LIMIT };
  log.take(create(JobEventSchema, { payload: { case: "logGap", value: gap } }));
  log.take(chunk(STDOUT, 14, "after\n"));
  expect(log.rows.map((row) => row.text)).toEqual([
    "before",
    "cut he",
    "… 12 lines, 1,000 bytes of standard output not kept by the runner",
    "after",
  ]);
});

test("the oldest rows go when there are too many, and a line that grows then still ends up whole", () => {
  const log = new LogBuffer({ rows: 10, characters: 1_000_000 });
  for (let number = 1; number <= 25; number++) log.take(chunk(STDOUT, number, `${number}\n`));
  log.take(chunk(STDERR, 26, "grow"));
  log.take(chunk(STDOUT, 27, "27\n"));
  log.take(chunk(STDERR, 26, "n\n"));
  expect(log.dropped + log.rows.length).toBe(27);
  expect(log.rows.length).toBeLessThanOrEqual(11);
  expect(lines(log).slice(-2)).toEqual(["26 grown", "27 27"]);
});

test("rows go by their size, too", () => {
  const log = new LogBuffer({ rows: 1_000, characters: 100 });
  for (let number = 1; number <= 30; number++) log.take(chunk(STDOUT, number, `${"x".repeat(19)}\n`));
  expect(log.rows.length).toBeLessThanOrEqual(6);
  expect(log.dropped).toBe(30 - log.rows.length);
});

function lines(log: LogBuffer): readonly string[] {
  return log.rows.flatMap((row) => (row.kind === "line" ? [`${row.number} ${row.text}`] : []));
}

function chunk(stream: LogStream, firstLine: number, data: string | Uint8Array): JobEvent {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);
  return create(JobEventSchema, { payload: { case: "log", value: { stream, firstLine, data: bytes } } });
}

function cut(bytes: Uint8Array, size: number): readonly JobEvent[] {
  const events: JobEvent[] = [];
  let line = 1;
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    events.push(chunk(STDOUT, line, piece));
    line += piece.filter((byte) => byte === 10).length;
  }
  return events;
}
