import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { GapReason, type JobEvent, JobEventSchema, LogStream } from "#gen/job/v1/job_event_pb.js";
import type { OutcomeSchema } from "#gen/job/v1/job_pb.js";
import { envelopeMessage } from "#protocol/envelope.ts";
import { encodeBatch, encodeEvent, type PendingEvent, type PendingLog } from "./encode-batch.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { deltaPayload, type GatheredDelta, joinDeltas, readDelta } from "./gathered-delta.ts";
import { HeldOutput } from "./held-output.ts";
import {
  LogNumbering,
  type LogPiece,
  type LogPlace,
  lineAfter,
  linesAfter,
  type OutputStream,
  splitPiece,
} from "./log-numbering.ts";
import type { RedactedStream, Redaction } from "./redact.ts";
import { RedactedEvents } from "./redact-events.ts";

/** Most output in one batch, and in one read. */
export const maxBatchLogBytes = 64 * 1024;

/** How long something may wait for company in its batch while others are being written. */
export const batchGapMs = 4;

/** What an event says. */
export type Payload = NonNullable<MessageInitShape<typeof JobEventSchema>["payload"]>;

/** Numbers of the events in a batch. */
export interface BatchRange {
  readonly firstSequence: number;
  readonly newestSequence: number;
}

/** What is known of an attempt's end besides what was written. */
export interface AttemptVerdict {
  readonly outcome: MessageInitShape<typeof OutcomeSchema>;
  readonly result: string;
  readonly unknownLines: number;
}

/** What an EventWriter starts from and writes to. */
export interface EventWriterOptions {
  readonly firstSequence: number;
  readonly log: LogPlace;
  /** What was written before, for an attempt that is taken over; a fresh one otherwise. */
  readonly fingerprint: Fingerprint;
  /** Everything passes by it before it is counted, numbered or fingerprinted. */
  readonly redaction: Redaction;
  /** Bytes of output kept; three quarters of them are the head. */
  readonly maxLogBytes: number;
  /** Where output past the head waits for the end. */
  readonly heldDirectory: string;
  /** Takes an envelope for good before it returns; its bytes are overwritten afterwards. */
  readonly append: (envelope: Uint8Array<ArrayBuffer>, range: BatchRange) => void;
}

/** Hides secrets in the events of one attempt, numbers them, gathers them into batches, keeps output within its limit and fingerprints all. */
export class EventWriter {
  readonly #append: EventWriterOptions["append"];
  readonly #redactedEvents: RedactedEvents;
  readonly #redactedLog: Readonly<Record<OutputStream, RedactedStream>>;
  readonly #numbering: LogNumbering;
  readonly #held: HeldOutput;
  readonly #fingerprint: Fingerprint;
  readonly #envelopeBytes = new Uint8Array(maxBatchLogBytes + 4096);
  readonly #logBytes = new Uint8Array(maxBatchLogBytes);
  readonly #lastFlush = { log: Number.NEGATIVE_INFINITY, event: Number.NEGATIVE_INFINITY };
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #pending: PendingEvent[] = [];
  /** What an agent is writing; comes behind what is pending. */
  #delta: GatheredDelta | undefined;
  #pendingLogBytes = 0;
  #pendingEventBytes = 0;
  #notable = false;
  #sequence: number;
  #headLeft: number;
  /** Where the log stands after what is pending, and where it stood before. */
  #place: LogPlace;
  #batchPlace: LogPlace;

  constructor(options: EventWriterOptions) {
    const { firstSequence, log, fingerprint, redaction, maxLogBytes, heldDirectory, append } = options;
    this.#append = append;
    this.#redactedEvents = new RedactedEvents(redaction);
    this.#redactedLog = { [LogStream.STDOUT]: redaction.openStream(), [LogStream.STDERR]: redaction.openStream() };
    this.#fingerprint = fingerprint;
    this.#sequence = firstSequence;
    this.#numbering = new LogNumbering(log);
    this.#place = log;
    this.#batchPlace = log;
    this.#headLeft = Math.floor((maxLogBytes / 4) * 3);
    this.#held = new HeldOutput(heldDirectory, maxLogBytes - this.#headLeft);
  }

  /** Writes an event; it leaves with what the same turn of the event loop adds, or a few ms later when others just left. */
  event(payload: Payload): void {
    const delta = payload.case === "agent" ? readDelta(payload.value, Date.now()) : undefined;
    if (delta === undefined) this.#addEvent(payload);
    else this.#gather(delta);
    const gatheredBytes = 3 * (this.#delta?.content.value.length ?? 0);
    if (this.#pendingEventBytes + gatheredBytes > maxBatchLogBytes) this.flush();
    else if (this.#isIdle("event")) this.#immediate ??= setImmediate(() => this.flush());
    else this.#flushSoon();
    this.#lastFlush.event = performance.now();
  }

  /**
   * Writes output, which is copied; it leaves at once, or a few ms later when others just left. An end that may be the
   * beginning of a secret waits for what follows, in memory: it is lost when this process is killed, as is what the job's
   * pipe holds.
   */
  log(stream: OutputStream, data: Uint8Array): void {
    this.#releaseDelta();
    this.#numberLog(stream, this.#redactedLog[stream].push(data));
    if (this.#pending.length === 0) return;
    if (this.#isIdle("log")) this.flush();
    else this.#flushSoon();
  }

  /** Writes the output that was held back, and what was cut before it; call it when no more output comes. */
  releaseHeldOutput(): void {
    this.#releaseDelta();
    this.#endLog();
    const { cuts, pieces } = this.#held.release();
    for (const { stream, fromOffset, toOffset, lineEnds } of cuts) {
      const offsets = { fromOffset: BigInt(fromOffset), toOffset: BigInt(toOffset) };
      const value = { stream, ...offsets, lines: lineEnds, reason: GapReason.OUTPUT_LIMIT };
      this.#addEvent({ case: "logGap", value });
      this.#place = { ...this.#place, [offsetField(stream)]: toOffset };
    }
    let isBehindCut = cuts.length > 0;
    for (const piece of pieces) {
      this.#place = { ...this.#place, lines: piece.linesBefore };
      // How many lines were begun by the end of what was cut, a header alone can tell.
      if (isBehindCut) this.flush();
      isBehindCut = false;
      this.#addLog(piece);
    }
    this.#held.discard();
    this.flush();
  }

  /** Writes the attempt's last event in a batch of its own. */
  end(verdict: AttemptVerdict): void {
    this.#releaseDelta();
    this.#endLog();
    for (const event of this.#redactedEvents.end(timestampFromMs(Date.now()))) this.#addRedacted(event);
    this.flush();
    const stdout = this.#fingerprint.stream(LogStream.STDOUT);
    const stderr = this.#fingerprint.stream(LogStream.STDERR);
    const eventsSha256 = this.#fingerprint.events();
    this.#addEvent({ case: "attemptEnded", value: { ...verdict, stdout, stderr, eventsSha256 } });
    this.flush();
  }

  /** Sends off what is pending. */
  flush(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
    this.#releaseDelta();
    if (this.#pending.length === 0) return;
    const pending = this.#pending;
    const header = { firstSequence: this.#sequence, log: this.#batchPlace, notable: this.#notable };
    const envelope = encodeBatch(header, pending, this.#envelopeBytes);
    this.#sequence += pending.length;
    if (this.#pendingLogBytes > 0) this.#lastFlush.log = performance.now();
    this.#pending = [];
    this.#pendingLogBytes = 0;
    this.#pendingEventBytes = 0;
    this.#notable = false;
    this.#batchPlace = this.#place;
    this.#append(envelope, { firstSequence: header.firstSequence, newestSequence: this.#sequence - 1 });
    // Behind what readers wait for.
    for (const event of pending) if (event.kind === "log") this.#fingerprint.kept(event.stream, event.data);
    this.#fingerprint.batch(envelopeMessage(envelope));
  }

  #isIdle(kind: "log" | "event"): boolean {
    return performance.now() - this.#lastFlush[kind] >= batchGapMs;
  }

  #flushSoon(): void {
    this.#timer ??= setTimeout(() => this.flush(), batchGapMs);
  }

  #gather(delta: GatheredDelta): void {
    const joined = this.#delta && joinDeltas(this.#delta, delta);
    if (joined === undefined) this.#releaseDelta();
    this.#delta = joined ?? delta;
  }

  #releaseDelta(): void {
    const delta = this.#delta;
    if (delta === undefined) return;
    this.#delta = undefined;
    this.#addEvent(deltaPayload(delta), delta.timeMs);
  }

  #addEvent(payload: Payload, timeMs = Date.now()): void {
    this.#releaseDelta();
    const event = create(JobEventSchema, { time: timestampFromMs(timeMs), payload });
    for (const redacted of this.#redactedEvents.redact(event)) this.#addRedacted(redacted);
  }

  #addRedacted(event: JobEvent): void {
    const pending = encodeEvent(event);
    if (this.#pendingEventBytes + pendingBytes(pending) > maxBatchEventBytes) this.flush();
    this.#pending.push(pending);
    this.#pendingEventBytes += pendingBytes(pending);
    this.#notable ||= !(event.payload.case === "agent" && event.payload.value.event.case === "delta");
  }

  #endLog(): void {
    for (const stream of [LogStream.STDOUT, LogStream.STDERR] as const) {
      this.#numberLog(stream, this.#redactedLog[stream].end());
    }
  }

  #numberLog(stream: OutputStream, data: Uint8Array): void {
    this.#fingerprint.written(stream, data.length);
    for (let at = 0; at < data.length; at += maxBatchLogBytes) {
      const part = data.subarray(at, at + maxBatchLogBytes);
      for (const piece of this.#numbering.number(stream, part, Date.now())) this.#keepOrHold(piece);
    }
  }

  #keepOrHold(piece: LogPiece): void {
    const { length } = piece.data;
    if (length <= this.#headLeft) {
      this.#headLeft -= length;
      this.#addLog(piece);
    } else if (this.#headLeft > 0) {
      const [head, rest] = splitPiece(piece, this.#headLeft);
      this.#headLeft = 0;
      this.#addLog(head);
      this.#held.push(rest);
    } else {
      this.#held.push(piece);
    }
  }

  #addLog(piece: LogPiece): void {
    const { stream, offset, firstLine, timeMs, data } = piece;
    if (this.#pendingLogBytes + data.length > maxBatchLogBytes) this.flush();
    const start = this.#pendingLogBytes;
    const end = start + data.length;
    this.#logBytes.set(data, start);
    this.#pendingLogBytes = end;
    const last = this.#pending.at(-1);
    if (last?.kind === "log" && continues(last, piece)) {
      const joined = this.#logBytes.subarray(start - last.data.length, end);
      this.#pending[this.#pending.length - 1] = { ...last, data: joined, nextLine: lineAfter(piece) };
    } else {
      const own = this.#logBytes.subarray(start, end);
      this.#pending.push({ kind: "log", stream, offset, firstLine, timeMs, data: own, nextLine: lineAfter(piece) });
    }
    const lines = Math.max(this.#place.lines, linesAfter(piece));
    this.#place = { ...this.#place, [offsetField(stream)]: offset + data.length, lines };
  }
}

// An event of an agent can be large by itself; several such go into several batches.
const maxBatchEventBytes = 512 * 1024;

function continues(last: PendingLog, piece: LogPiece): boolean {
  const follows = last.offset + last.data.length === piece.offset;
  return last.stream === piece.stream && follows && last.nextLine === piece.firstLine;
}

function pendingBytes(event: PendingEvent): number {
  return event.kind === "encoded" ? event.bytes.length : event.data.length;
}

function offsetField(stream: OutputStream): "stdoutOffset" | "stderrOffset" {
  return stream === LogStream.STDOUT ? "stdoutOffset" : "stderrOffset";
}
