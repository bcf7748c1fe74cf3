import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { EnvelopeSplitter, envelopeMessage, readBatchHeader } from "#protocol/envelope.ts";
import { EventWriter } from "./event-writer.ts";
import { Fingerprint } from "./fingerprint.ts";
import { Redaction } from "./redact.ts";
import { scanSpool } from "./scan-spool.ts";
import { listSegments } from "./segments.ts";
import { findBatchAfter, freeSegments, SpoolReader } from "./spool-reader.ts";
import { SpoolWriter } from "./spool-writer.ts";

const log = { stdoutOffset: 0, stderrOffset: 0, lines: 0 };
const first = { firstSequence: 5, log };
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/blazecraft-spool-`);
});

afterEach(() => rmSync(directory, { recursive: true }));

/** Spools so many batches of 64 KiB. */
function spoolBatches(count: number) {
  const spool = new SpoolWriter(directory, { newestSequence: 4, bytes: 0 });
  const fingerprint = new Fingerprint();
  const writer = new EventWriter({
    ...first,
    fingerprint,
    redaction: new Redaction([]),
    maxLogBytes: 1 << 30,
    heldDirectory: `${directory}/held`,
    append: (envelope, range) => spool.append(envelope, range),
  });
  for (let index = 0; index < count; index += 1) {
    writer.log(LogStream.STDOUT, Buffer.alloc(65_536, index));
    writer.flush();
  }
  return { spool, writer, fingerprint };
}

async function readAll(start: number, end: number): Promise<Buffer> {
  using reader = new SpoolReader(directory, start);
  const parts: Uint8Array[] = [];
  while (reader.position < end) parts.push((await reader.read(end)).slice());
  return Buffer.concat(parts);
}

test("a reader sees every batch once, over all segments", async () => {
  const { spool } = spoolBatches(200);
  expect(listSegments(directory).length).toBeGreaterThan(2);
  const envelopes = new EnvelopeSplitter().push(new Uint8Array(await readAll(0, spool.end.bytes)));
  const numbers = envelopes.map((envelope) => readBatchHeader(envelopeMessage(envelope))?.firstSequence);
  expect(numbers).toEqual(Array.from({ length: 200 }, (_, index) => 5 + index));
});

test("a reader at the end of the newest segment goes on when the next one is begun", async () => {
  const { spool, writer } = spoolBatches(64);
  using reader = new SpoolReader(directory, 0);
  const { bytes } = spool.end;
  while (reader.position < bytes) await reader.read(bytes);
  for (let index = 0; index < 70; index += 1) {
    writer.log(LogStream.STDOUT, Buffer.alloc(65_536));
    writer.flush();
    while (reader.position < spool.end.bytes) await reader.read(spool.end.bytes);
  }
  expect(reader.position).toBe(spool.end.bytes);
});

test.each([0, 4, 5, 6, 60, 100, 203, 204])("a cursor after event %i finds the batch of the next", async (after) => {
  const { spool } = spoolBatches(200);
  const start = await findBatchAfter(directory, after, spool.end);
  if (after === 204) return expect(start).toBe(spool.end.bytes);
  const [envelope] = new EnvelopeSplitter().push(new Uint8Array(await readAll(start, spool.end.bytes)));
  expect(readBatchHeader(envelopeMessage(envelope ?? new Uint8Array(0)))?.firstSequence).toBe(Math.max(5, after + 1));
  return undefined;
});

test("only segments wholly below what is stored are freed, and never the newest", async () => {
  const { spool } = spoolBatches(200);
  const before = listSegments(directory);
  freeSegments(directory, (before[1]?.firstSequence ?? 0) - 2);
  expect(listSegments(directory)).toEqual(before);
  freeSegments(directory, (before[2]?.firstSequence ?? 0) - 1);
  expect(listSegments(directory)).toEqual(before.slice(2));
  freeSegments(directory, 1_000_000);
  expect(listSegments(directory)).toEqual(before.slice(-1));
  expect(await findBatchAfter(directory, 0, spool.end)).toBe(before.at(-1)?.start);
});

test("a half-written envelope is cut off, and the fingerprint is that of what is left", () => {
  const { spool, fingerprint } = spoolBatches(100);
  const last = `${directory}/${listSegments(directory).at(-1)?.name}`;
  const whole = statSync(last).size;
  appendFileSync(last, Buffer.from([0, 0, 1, 0, 0, 10, 20, 30]));
  const scan = scanSpool(directory, first);
  expect(statSync(last).size).toBe(whole);
  expect(scan).toMatchObject({ end: spool.end, ended: false, log: { stdoutOffset: 100 * 65_536 } });
  expect(scan.fingerprint.events()).toEqual(fingerprint.events());
  expect(scan.fingerprint.stream(LogStream.STDOUT)).toEqual(fingerprint.stream(LogStream.STDOUT));
});

test.each([
  ["zeros", () => Buffer.alloc(5000)],
  ["other bytes", () => Buffer.alloc(5000, 0xff)],
  ["the same batches once more", (newest: string) => readFileSync(newest)],
])("%s behind the newest batch are cut off", (_, rest) => {
  const { spool, fingerprint } = spoolBatches(3);
  const newest = `${directory}/${listSegments(directory).at(-1)?.name}`;
  appendFileSync(newest, rest(newest));
  const scan = scanSpool(directory, first);
  expect(scan.end).toEqual(spool.end);
  expect(statSync(newest).size).toBe(spool.end.bytes);
  expect(scan.fingerprint.events()).toEqual(fingerprint.events());
});

test("nothing is kept behind a segment that a crash of the machine cut", () => {
  spoolBatches(200);
  const [oldest, second] = listSegments(directory);
  truncateSync(`${directory}/${second?.name}`, 100_000);
  const { end } = scanSpool(directory, first);
  expect(listSegments(directory)).toEqual([oldest, second]);
  expect(end.newestSequence).toBe(second?.firstSequence);
  expect(end.bytes).toBe((second?.start ?? 0) + statSync(`${directory}/${second?.name}`).size);
});

test("a scan after segments were freed counts what it cannot hash", () => {
  spoolBatches(200);
  freeSegments(directory, 150);
  const { fingerprint, end } = scanSpool(directory, first);
  expect(end.newestSequence).toBe(204);
  expect(fingerprint.events()).toHaveLength(0);
  expect(fingerprint.stream(LogStream.STDOUT)).toMatchObject({ bytes: 200n * 65_536n, keptBytes: 200n * 65_536n });
});

test("a scan sees whether the attempt had ended, and an empty spool", () => {
  expect(scanSpool(`${directory}/none`, first).end).toEqual({ newestSequence: 4, bytes: 0 });
  const { writer, spool } = spoolBatches(1);
  writer.end({ outcome: { cause: EndCause.COMPLETED }, result: "", unknownLines: 0 });
  expect(scanSpool(directory, first)).toMatchObject({ ended: true, end: spool.end });
});
