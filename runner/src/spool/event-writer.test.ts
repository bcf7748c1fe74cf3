import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { fromBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type EventBatch, GapReason, type JobEvent, LogStream } from "#gen/job/v1/job_event_pb.js";
import { EndCause, JobPhase } from "#gen/job/v1/job_pb.js";
import { StreamEventsResponseSchema } from "#gen/runner/v1/runner_service_pb.js";
import { advance } from "#protocol/batch.ts";
import { envelopeMessage } from "#protocol/envelope.ts";
import { EventWriter } from "./event-writer.ts";
import { Fingerprint } from "./fingerprint.ts";
import { Redaction } from "./redact.ts";

const { STDOUT, STDERR } = LogStream;
let directory: string;

beforeEach(() => {
  vi.useFakeTimers();
  directory = mkdtempSync(`${tmpdir()}/blazecraft-writer-`);
});

afterEach(() => {
  vi.useRealTimers();
  rmSync(directory, { recursive: true });
});

function openWriter({ maxLogBytes = 1 << 20, secrets = [] as readonly string[] } = {}) {
  const messages: Uint8Array[] = [];
  const ranges: (readonly [number, number])[] = [];
  const writer = new EventWriter({
    firstSequence: 3,
    log: { stdoutOffset: 0, stderrOffset: 0, lines: 0 },
    fingerprint: new Fingerprint(),
    redaction: new Redaction(secrets),
    maxLogBytes,
    heldDirectory: `${directory}/held`,
    append: (envelope, { firstSequence, newestSequence }) => {
      messages.push(envelopeMessage(envelope).slice());
      ranges.push([firstSequence, newestSequence]);
    },
  });
  const batches = () => messages.map(decode);
  const log = (stream: typeof STDOUT | typeof STDERR, text: string) => writer.log(stream, Buffer.from(text));
  return { writer, messages, ranges, batches, log };
}

function decode(message: Uint8Array): EventBatch {
  const { message: response } = fromBinary(StreamEventsResponseSchema, message);
  if (response.case !== "batch") throw new Error(`not a batch but ${response.case}`);
  return response.value;
}

/** Log chunks and gaps in short. */
function shown(batches: readonly EventBatch[]) {
  return batches.flatMap(({ events }) =>
    events.flatMap(({ payload }) => {
      if (payload.case === "log") {
        const { stream, offset, firstLine, data } = payload.value;
        return [[stream === STDOUT ? "out" : "err", Number(offset), firstLine, Buffer.from(data).toString()]];
      }
      if (payload.case !== "logGap") return [];
      const { stream, fromOffset, toOffset, lines } = payload.value;
      return [[stream === STDOUT ? "out gap" : "err gap", Number(fromOffset), Number(toOffset), lines]];
    }),
  );
}

test("the first output leaves at once, what follows closely leaves together", () => {
  const { log, batches } = openWriter();
  log(STDOUT, "one\n");
  expect(batches()).toHaveLength(1);
  log(STDOUT, "two\n");
  log(STDOUT, "three\n");
  expect(batches()).toHaveLength(1);
  vi.advanceTimersByTime(4);
  expect(shown(batches())).toEqual([
    ["out", 0, 1, "one\n"],
    ["out", 4, 2, "two\nthree\n"],
  ]);
});

test("events of one turn share a batch, and their numbers have no holes", () => {
  const { writer, ranges, batches, log } = openWriter();
  writer.event({ case: "phaseChanged", value: { phase: JobPhase.PREPARING } });
  writer.event({ case: "phaseChanged", value: { phase: JobPhase.EXECUTING } });
  expect(ranges).toEqual([]);
  vi.runAllTimers();
  log(STDERR, "x");
  expect(ranges).toEqual([
    [3, 4],
    [5, 5],
  ]);
  expect(batches().map(({ header }) => [header?.firstSequence, header?.count, header?.notable])).toEqual([
    [3, 2, true],
    [5, 1, false],
  ]);
});

test("a batch with nothing but deltas of the agent is not notable", () => {
  const { writer, batches } = openWriter();
  writer.event({
    case: "agent",
    value: { event: { case: "delta", value: { content: { case: "text", value: "a" } } } },
  });
  writer.flush();
  expect(batches()[0]?.header?.notable).toBe(false);
});

test("pieces of one block that leave together are one event", () => {
  const { writer, batches } = openWriter();
  const say = (messageId: string, kind: "text" | "thinking", value: string, parentToolCallId = "") => {
    const content = { case: kind, value };
    writer.event({
      case: "agent",
      value: { parentToolCallId, event: { case: "delta", value: { messageId, index: 1, content } } },
    });
  };
  say("m1", "thinking", "Hm");
  say("m1", "thinking", "…");
  say("m1", "text", "a");
  say("m1", "text", "b");
  say("m2", "text", "c");
  say("m2", "text", "d", "toolu_1");
  writer.event({ case: "phaseChanged", value: { phase: JobPhase.COLLECTING } });
  say("m2", "text", "e", "toolu_1");
  writer.flush();
  say("m2", "text", "f", "toolu_1");
  writer.flush();
  const told = batches().flatMap(({ events }) => events.map(({ payload }) => pieceOf(payload)));
  expect(told).toEqual(["m1:1 Hm…", "m1:1 ab", "m2:1 c", "m2:1 d", "phaseChanged", "m2:1 e", "m2:1 f"]);
});

function pieceOf(payload: JobEvent["payload"]): string | undefined {
  if (payload.case !== "agent" || payload.value.event.case !== "delta") return payload.case;
  const { messageId, index, content } = payload.value.event.value;
  return `${messageId}:${index} ${content.value}`;
}

test("a header says where the log stands before its batch", () => {
  const { log, writer, batches } = openWriter();
  log(STDOUT, "a\nb");
  log(STDERR, "c\n");
  writer.flush();
  log(STDOUT, "d\n");
  writer.flush();
  expect(batches().map(({ header }) => header?.log)).toMatchObject([
    { stdoutOffset: 0n, stderrOffset: 0n, lines: 0 },
    { stdoutOffset: 3n, stderrOffset: 0n, lines: 2 },
    { stdoutOffset: 3n, stderrOffset: 2n, lines: 3 },
  ]);
});

test("a chunk holds at most 64 KiB", () => {
  const { log, writer, batches } = openWriter({ maxLogBytes: 1 << 24 });
  for (let index = 0; index < 40; index += 1) log(STDOUT, "x".repeat(10_000));
  writer.flush();
  const sizes = shown(batches()).map(([, , , text]) => String(text).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(400_000);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(65_536);
});

test("output that fits its limit after all is kept whole", () => {
  const { log, writer, batches } = openWriter({ maxLogBytes: 16 });
  log(STDOUT, "0123456789\n");
  log(STDERR, "abcd\n");
  writer.releaseHeldOutput();
  expect(shown(batches())).toEqual([
    ["out", 0, 1, "0123456789\n"],
    ["err", 0, 2, "abcd\n"],
  ]);
  expect(existsSync(`${directory}/held`)).toBe(false);
});

test("past the limit head and tail are kept, and the cut between them is told for each stream", () => {
  const { log, writer, batches } = openWriter({ maxLogBytes: 16 });
  log(STDOUT, "0\n1\n2\n3\n4\n5\n");
  for (let line = 6; line < 40; line += 1) log(line % 2 === 0 ? STDOUT : STDERR, `${line % 10}\n`);
  writer.releaseHeldOutput();
  writer.end({ outcome: { cause: EndCause.COMPLETED }, result: "", unknownLines: 0 });
  expect(shown(batches())).toEqual([
    ["out", 0, 1, "0\n1\n2\n3\n4\n5\n"],
    ["out gap", 12, 44, 16],
    ["err gap", 0, 32, 16],
    ["out", 44, 39, "8\n"],
    ["err", 32, 40, "9\n"],
  ]);
  const end = batches().at(-1);
  expect(end?.header?.log).toMatchObject({ stdoutOffset: 46n, stderrOffset: 34n, lines: 40 });
  const payload = end?.events[0]?.payload;
  if (payload?.case !== "attemptEnded") throw new Error("no end");
  expect(payload.value.stdout).toMatchObject({ bytes: 46n, keptBytes: 14n });
  expect(payload.value.stderr).toMatchObject({ bytes: 34n, keptBytes: 2n });
  expect(Buffer.from(payload.value.stdout?.sha256 ?? []).toString("hex")).toBe(
    createHash("sha256").update("0\n1\n2\n3\n4\n5\n8\n").digest("hex"),
  );
  expect(
    batches()
      .flatMap(({ events }) => events)
      .flatMap(({ payload }) => (payload.case === "logGap" ? payload.value.reason : [])),
  ).toEqual([GapReason.OUTPUT_LIMIT, GapReason.OUTPUT_LIMIT]);
});

test("what readers count from a header on is what the next header says, also behind a cut inside of lines", () => {
  const { log, writer, batches } = openWriter({ maxLogBytes: 16 });
  log(STDOUT, "a");
  log(STDERR, "0123456789a");
  // Line 1 goes on and ends in what is cut, line 2 goes on behind it.
  log(STDOUT, "b\n");
  log(STDERR, "wxyz");
  writer.releaseHeldOutput();
  writer.end({ outcome: { cause: EndCause.COMPLETED }, result: "", unknownLines: 0 });
  const all = batches();
  expect(all.at(-1)?.header?.log).toMatchObject({ stdoutOffset: 3n, stderrOffset: 15n, lines: 2 });
  for (const [index, { header, events }] of all.entries()) {
    const next = all[index + 1]?.header?.log;
    if (header?.log === undefined || next === undefined) continue;
    const after = events.reduce(advance, header.log);
    const endsCut = events.at(-1)?.payload.case === "logGap";
    expect(endsCut ? { ...after, lines: next.lines } : after).toEqual(next);
  }
});

test("a flood past the limit keeps exactly the limit", () => {
  const { writer, batches } = openWriter({ maxLogBytes: 65_536 });
  const flood = Buffer.from("0123456789abcde\n".repeat(4096));
  for (let index = 0; index < 20; index += 1) writer.log(STDOUT, flood);
  writer.releaseHeldOutput();
  const kept = shown(batches()).filter(([kind]) => kind === "out");
  expect(kept.reduce((sum, [, , , text]) => sum + String(text).length, 0)).toBe(65_536);
  expect(kept.at(-1)?.[1]).toBe(20 * 65_536 - String(kept.at(-1)?.[3]).length);
});

test("the end stands alone and fingerprints all before it", () => {
  const { writer, log, messages, batches } = openWriter();
  log(STDOUT, "hello\n");
  writer.event({ case: "phaseChanged", value: { phase: JobPhase.COLLECTING } });
  writer.end({ outcome: { cause: EndCause.COMPLETED, exitCode: 0 }, result: "done", unknownLines: 2 });
  const [last] = batches().slice(-1);
  expect(last?.events).toHaveLength(1);
  const payload = last?.events[0]?.payload;
  if (payload?.case !== "attemptEnded") throw new Error("no end");
  const hash = createHash("sha256");
  for (const message of messages.slice(0, -1)) hash.update(message);
  expect(Buffer.from(payload.value.eventsSha256).equals(hash.digest())).toBe(true);
  expect(payload.value.result).toBe("done");
});

describe("a secret", () => {
  const secrets = ["first-line\nsecond-line"];

  test("is hidden where output is cut, and lines, offsets and hashes are those of what is written", () => {
    const { writer, log, batches } = openWriter({ secrets });
    for (const chunk of ["a\nfirst-", "line\n", "secon", "d-line\nb\n", "fir"]) log(STDOUT, chunk);
    log(STDERR, "c\n");
    writer.end({ outcome: { cause: EndCause.COMPLETED, exitCode: 0 }, result: "is first-line", unknownLines: 0 });
    const whole = "a\n**********\n***********\nb\nfir";
    const out = shown(batches()).filter(([kind]) => kind === "out");
    expect(out.map(([, , , text]) => text).join("")).toBe(whole);
    expect(out.at(-1)).toEqual(["out", whole.length - 3, 6, "fir"]);
    const payload = batches().at(-1)?.events[0]?.payload;
    if (payload?.case !== "attemptEnded") throw new Error("no end");
    expect(payload.value.result).toBe("is **********");
    expect(payload.value.stdout).toMatchObject({ bytes: BigInt(whole.length), keptBytes: BigInt(whole.length) });
    const sha256 = createHash("sha256").update(whole).digest();
    expect(Buffer.from(payload.value.stdout?.sha256 ?? []).equals(sha256)).toBe(true);
  });

  test("that was kept back in front of a full read fits no batch too many", () => {
    const secret = Array.from({ length: 250 }, (_, index) => `-${index + 100}`).join("");
    const { writer, log, batches } = openWriter({ secrets: [secret] });
    const chunk = `${"\n".repeat(64 * 1024 - 999)}${secret.slice(0, -1)}`;
    for (let times = 0; times < 3; times += 1) log(STDOUT, chunk);
    writer.end({ outcome: { cause: EndCause.COMPLETED, exitCode: 0 }, result: "", unknownLines: 0 });
    const written = shown(batches()).map(([, , , text]) => String(text));
    expect(Math.max(...written.map((text) => text.length))).toBeLessThanOrEqual(64 * 1024);
    expect(written.join("")).toBe(chunk.repeat(3));
  });

  test("is hidden at the border of output that is kept and output that waits for the end", () => {
    const { writer, log, batches } = openWriter({ maxLogBytes: 65_536, secrets });
    log(STDOUT, `${"-".repeat(49_152 - 5)}first-line second-line`);
    writer.releaseHeldOutput();
    expect(shown(batches()).map(([, , , text]) => String(text).replaceAll("-", ""))).toEqual([
      "*****",
      "***** ***********",
    ]);
  });

  test("in deltas is hidden, and what they keep back is counted in the hash of all events", () => {
    const { writer, messages, batches } = openWriter({ secrets });
    for (const value of ["a first", "-line b ", "seco"]) {
      writer.flush();
      writer.event({ case: "agent", value: { event: { case: "delta", value: { content: { case: "text", value } } } } });
    }
    writer.end({ outcome: { cause: EndCause.COMPLETED, exitCode: 0 }, result: "", unknownLines: 0 });
    const events = batches().flatMap((batch) => batch.events.map(({ payload }) => payload));
    const words = events.map(({ case: kind, value }) =>
      kind === "agent" && value.event.case === "delta" ? value.event.value.content.value : kind,
    );
    expect(words).toEqual(["a ", "********** b ", "seco", "attemptEnded"]);
    const last = events.at(-1);
    const hash = createHash("sha256");
    for (const message of messages.slice(0, -1)) hash.update(message);
    expect(Buffer.from(last?.case === "attemptEnded" ? last.value.eventsSha256 : []).equals(hash.digest())).toBe(true);
  });
});
