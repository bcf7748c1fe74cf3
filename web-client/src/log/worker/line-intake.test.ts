import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { JobEventSchema, LogStream } from "#gen/job/v1/job_event_pb.js";
import { countLineEnds } from "#protocol/batch.ts";
import { LineAssembler } from "#protocol/log-lines.ts";
import { WrittenLog } from "./written-log.ts";

const text = "one\n\ntwo ☃ 🔥\r\n\x1b[31mred\nstill red\x1b[0m\n10%\r20%\r30%\nlast without end";

test("lines come out the same however the bytes were cut", () => {
  const bytes = new TextEncoder().encode(text);
  const whole = new WrittenLog();
  whole.print(text, { line: 1 });
  expect(whole.texts).toEqual(["one", "", "two ☃ 🔥", "red", "still red", "30%", "last without end"]);
  for (let size = 1; size <= bytes.length; size++) {
    const log = new WrittenLog();
    let line = 1;
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.slice(at, at + size);
      log.print(piece, { line });
      line += countLineEnds(piece);
    }
    expect(log.rows).toEqual(whole.rows);
  }
});

test("it shows the lines that the other readers get", () => {
  const chunks = [
    { text: "a\nb", line: 1, isError: false },
    { text: "oops\n", line: 3, isError: true },
    { text: "b\n", line: 2, isError: false },
    { text: "c", line: 4, isError: false },
  ];
  const log = new WrittenLog();
  const assembler = new LineAssembler();
  const others = chunks.flatMap(({ text: own, line, isError }, index) => {
    log.print(own, { line, isError });
    const stream = isError ? LogStream.STDERR : LogStream.STDOUT;
    const value = { stream, firstLine: line, data: new TextEncoder().encode(own) };
    return assembler.push(index + 1, create(JobEventSchema, { payload: { case: "log", value } }));
  });
  const items = [...others, ...assembler.finish(chunks.length)].flatMap((item) => (item.kind === "line" ? [item] : []));
  expect(log.rows.map(({ item }, at) => `${item} ${log.texts[at]}`)).toEqual(
    items
      .sort((one, other) => one.number - other.number)
      .map(({ number, bytes }) => `${number} ${new TextDecoder().decode(bytes)}`),
  );
});

test("two streams in mid-line do not mix, and each has its own colour", () => {
  const log = new WrittenLog();
  log.print("\x1b[31mout ", { line: 1 });
  log.print("err ", { line: 2, isError: true });
  log.print("put\n", { line: 1 });
  log.print("or\n", { line: 2, isError: true });
  log.print("more\n", { line: 3 });
  expect(log.rows.map((row) => row.kind === "line" && [row.isError, row.spans])).toEqual([
    [false, [{ text: "out put", colour: "#ff7b72" }]],
    [true, [{ text: "err or" }]],
    [false, [{ text: "more", colour: "#ff7b72" }]],
  ]);
});

test("a gap is told in its place, and numbers go on behind it", () => {
  const log = new WrittenLog();
  log.print("before\ncut he", { line: 1 });
  log.write({ kind: "cut", stream: "output" });
  log.write({ kind: "note", tone: "warn", text: "… 12 lines not kept", timeMs: 1_000 });
  log.print("after\n", { line: 14 });
  expect(log.rows.map(({ item }) => item)).toEqual([1, 2, -1, 14]);
  expect(log.texts).toEqual(["before", "cut he", "… 12 lines not kept", "after"]);
  expect(log.content.intake.isWhole(0)).toBe(true);
});

test("a line of any length is held in part, a bar drawn over a million times in its last state", () => {
  const log = new WrittenLog();
  log.print(`${"x".repeat(300_000)}\n`, { line: 1 });
  for (let part = 0; part < 100; part++) log.print("\rdone: 00%".repeat(1_000), { line: 2 });
  log.print("\r\x1b[32mdone: 99%\n", { line: 2 });
  const [long, bar] = log.rows;
  expect(long?.kind === "line" && [long.cut]).toEqual([290_000]);
  expect(log.texts[1]).toBe("done: 99%");
  expect(bar?.kind === "line" && bar.cut).toBe(0);
  expect(log.content.store.held.bytes).toBeLessThan(200_000);
});

test("the pages that nobody looked at for longest go when there are too many lines", () => {
  const log = new WrittenLog({ lines: 5_000, bytes: 10_000_000 });
  for (let line = 1; line <= 20_000; line++) log.print(`line ${line}\n`, { line });
  const { store, intake } = log.content;
  expect(store.held.lines).toBeLessThanOrEqual(5_000);
  expect([store.get(1), intake.isWhole(0), intake.line(20_000)?.text]).toEqual([undefined, false, "line 20000"]);
});

test("lines that were read for a range stand until the stream brings their own, and keep nothing waiting", () => {
  const log = new WrittenLog();
  const { content } = log;
  const data = new TextEncoder().encode("far");
  content.expect(3_000);
  content.fill({ from: 2_900, to: 3_000 }, [{ number: 2_950, isError: true, timeMs: 5, data }]);
  expect(content.intake.line(2_950)).toMatchObject({ text: "far", isError: true, timeMs: 5 });
  for (let line = 1; line <= 3_000; line++) log.print(`near ${line}\n`, { line });
  expect(content.intake.line(2_950)).toMatchObject({ text: "near 2950", isError: false });
});
