import { toBinary } from "@bufbuild/protobuf";
import { type JobEvent, JobEventSchema } from "#gen/job/v1/job_event_pb.js";
import { envelopePrefixBytes, maxMessageBytes, messageFlag } from "#protocol/envelope.ts";
import type { LogPiece, LogPlace } from "./log-numbering.ts";

/** An event of a batch that is being made: encoded already, or output, which is encoded straight into the envelope. */
export type PendingEvent = { readonly kind: "encoded"; readonly bytes: Uint8Array } | PendingLog;

/** Output of a batch that is being made. */
export interface PendingLog extends Pick<LogPiece, "stream" | "offset" | "firstLine" | "timeMs" | "data"> {
  readonly kind: "log";
  /** Number of the line that the next byte of the stream would belong to. */
  readonly nextLine: number;
}

/** What stands in front of a batch. */
export interface PendingHeader {
  readonly firstSequence: number;
  readonly log: LogPlace;
  readonly notable: boolean;
}

/** An event as an item of a batch. */
export function encodeEvent(event: JobEvent): PendingEvent {
  return { kind: "encoded", bytes: toBinary(JobEventSchema, event) };
}

/**
 * The envelope of a StreamEventsResponse with this batch: what goes on the wire, into the spool and to every watcher.
 * Written by hand because output is most of what a runner ever encodes; a test compares it with protobuf-es. It is a view
 * of `room` when it fits in there.
 */
export function encodeBatch(
  header: PendingHeader,
  events: readonly PendingEvent[],
  room: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const eventSizes = events.map(eventSize);
  const headerLength = headerSize(header, events.length);
  const batchSize = eventSizes.reduce((sum, size) => sum + fieldSize(size), fieldSize(headerLength));
  const messageSize = fieldSize(batchSize);
  if (messageSize > maxMessageBytes) throw new Error(`batch of ${messageSize} bytes is larger than ${maxMessageBytes}`);
  const size = envelopePrefixBytes + messageSize;
  const out = new ByteWriter(size <= room.length ? room.subarray(0, size) : new Uint8Array(size));
  out.envelope(messageSize);
  out.field(responseBatch, batchSize);
  out.field(batchHeader, headerLength);
  writeHeader(out, header, events.length);
  events.forEach((event, index) => {
    out.field(batchEvents, eventSizes[index] ?? 0);
    if (event.kind === "encoded") out.bytes(event.bytes);
    else writeLogEvent(out, event);
  });
  return out.buffer;
}

// Tags: field number × 8 + 2 for what has a length, + 0 for a number.
const responseBatch = 0x0a;
const batchHeader = 0x0a;
const batchEvents = 0x12;
const headerFirstSequence = 0x08;
const headerCount = 0x10;
const headerLog = 0x1a;
const headerNotable = 0x20;
const placeStdoutOffset = 0x08;
const placeStderrOffset = 0x10;
const placeLines = 0x18;
const eventTime = 0x0a;
const eventLog = 0x22;
const timeSeconds = 0x08;
const timeNanos = 0x10;
const chunkStream = 0x08;
const chunkOffset = 0x10;
const chunkFirstLine = 0x18;
const chunkData = 0x22;

function headerSize({ firstSequence, log, notable }: PendingHeader, count: number): number {
  return numberSize(firstSequence) + numberSize(count) + fieldSize(placeSize(log)) + numberSize(Number(notable));
}

function placeSize({ stdoutOffset, stderrOffset, lines }: LogPlace): number {
  return numberSize(stdoutOffset) + numberSize(stderrOffset) + numberSize(lines);
}

function writeHeader(out: ByteWriter, { firstSequence, log, notable }: PendingHeader, count: number): void {
  out.number(headerFirstSequence, firstSequence);
  out.number(headerCount, count);
  out.field(headerLog, placeSize(log));
  out.number(placeStdoutOffset, log.stdoutOffset);
  out.number(placeStderrOffset, log.stderrOffset);
  out.number(placeLines, log.lines);
  out.number(headerNotable, Number(notable));
}

function eventSize(event: PendingEvent): number {
  return event.kind === "encoded" ? event.bytes.length : fieldSize(timeSize(event)) + fieldSize(chunkSize(event));
}

function timeSize({ timeMs }: PendingLog): number {
  return numberSize(seconds(timeMs)) + numberSize(nanos(timeMs));
}

function chunkSize({ stream, offset, firstLine, data }: PendingLog): number {
  return numberSize(stream) + numberSize(offset) + numberSize(firstLine) + fieldSize(data.length);
}

function writeLogEvent(out: ByteWriter, log: PendingLog): void {
  out.field(eventTime, timeSize(log));
  out.number(timeSeconds, seconds(log.timeMs));
  out.number(timeNanos, nanos(log.timeMs));
  out.field(eventLog, chunkSize(log));
  out.number(chunkStream, log.stream);
  out.number(chunkOffset, log.offset);
  out.number(chunkFirstLine, log.firstLine);
  out.field(chunkData, log.data.length);
  out.bytes(log.data);
}

function seconds(timeMs: number): number {
  return Math.floor(timeMs / 1000);
}

function nanos(timeMs: number): number {
  return Math.floor(timeMs % 1000) * 1_000_000;
}

/** Bytes of a field with this many bytes of content: tag, length, content. */
function fieldSize(contentSize: number): number {
  return 1 + varintSize(contentSize) + contentSize;
}

/** Bytes of a number's field; zero is left out. */
function numberSize(value: number): number {
  return value === 0 ? 0 : 1 + varintSize(value);
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

class ByteWriter {
  readonly buffer: Uint8Array<ArrayBuffer>;
  #at = 0;

  constructor(buffer: Uint8Array<ArrayBuffer>) {
    this.buffer = buffer;
  }

  envelope(messageSize: number): void {
    this.buffer[0] = messageFlag;
    new DataView(this.buffer.buffer, this.buffer.byteOffset).setUint32(1, messageSize);
    this.#at = envelopePrefixBytes;
  }

  field(tag: number, contentSize: number): void {
    this.buffer[this.#at] = tag;
    this.#at += 1;
    this.#varint(contentSize);
  }

  number(tag: number, value: number): void {
    if (value !== 0) this.field(tag, value);
  }

  bytes(content: Uint8Array): void {
    this.buffer.set(content, this.#at);
    this.#at += content.length;
  }

  #varint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80), this.#at += 1) this.buffer[this.#at] = (rest % 0x80) | 0x80;
    this.buffer[this.#at] = rest;
    this.#at += 1;
  }
}
