import { existsSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { create, fromBinary } from "@bufbuild/protobuf";
import { type JobEvent, type LogPosition, LogPositionSchema, LogStream } from "#gen/job/v1/job_event_pb.js";
import { StreamEventsResponseSchema } from "#gen/runner/v1/runner_service_pb.js";
import { advance } from "#protocol/batch.ts";
import { envelopeLength, envelopeMessage } from "#protocol/envelope.ts";
import { Fingerprint } from "./fingerprint.ts";
import { type LogPlace, logPlace, type OutputStream } from "./log-numbering.ts";
import { listSegments, type Segment, type SpoolEnd } from "./segments.ts";

/** What a spool holds whose writer is dead. */
export interface SpoolScan {
  readonly end: SpoolEnd;
  /** Where the log stands. */
  readonly log: LogPlace;
  readonly fingerprint: Fingerprint;
  /** True when AttemptEnded is in it. */
  readonly ended: boolean;
}

/**
 * Reads a whole spool whose writer is dead. Cuts it off at the first thing that is no batch with the next number: an
 * envelope that is half written, or what a crash of the machine left in place of the newest ones.
 */
export function scanSpool(directory: string, first: { firstSequence: number; log: LogPlace }): SpoolScan {
  // It may have died before it wrote anything.
  const segments = existsSync(directory) ? listSegments(directory) : [];
  const { firstSequence, start } = segments[0] ?? { firstSequence: first.firstSequence, start: 0 };
  const fingerprint = new Fingerprint();
  let end: SpoolEnd = { newestSequence: firstSequence - 1, bytes: start };
  let { log } = first;
  let ended = false;
  for (const batch of readBatches(directory, segments)) {
    // The segments before were freed, so what they held is known by where the log stands now.
    if (end.bytes === start && start > 0) countMissed(fingerprint, first.log, logPlace(batch.log));
    for (const event of batch.events) countEvent(fingerprint, event);
    fingerprint.batch(batch.message);
    log = logPlace(batch.events.reduce(advance, batch.log));
    ended = batch.events.some(({ payload }) => payload.case === "attemptEnded");
    end = { newestSequence: end.newestSequence + batch.events.length, bytes: end.bytes + batch.envelopeBytes };
  }
  for (const segment of segments) cutSegment(`${directory}/${segment.name}`, end.bytes - segment.start);
  return { end, log, fingerprint, ended };
}

interface SpooledBatch {
  readonly message: Uint8Array;
  readonly envelopeBytes: number;
  /** Where the log stands before it. */
  readonly log: LogPosition;
  readonly events: readonly JobEvent[];
}

function* readBatches(directory: string, segments: readonly Segment[]): Generator<SpooledBatch> {
  let { firstSequence: next, start: at } = segments[0] ?? { firstSequence: 0, start: 0 };
  for (const { name, start } of segments) {
    // The one before is not whole.
    if (at !== start) return;
    const bytes = readFileSync(`${directory}/${name}`);
    for (;;) {
      const batch = readBatch(bytes.subarray(at - start), next);
      if (batch === undefined) break;
      yield batch;
      next += batch.events.length;
      at += batch.envelopeBytes;
    }
  }
}

/** The batch at the beginning of these bytes, or undefined when they begin with anything but the one with this number. */
function readBatch(bytes: Uint8Array, firstSequence: number): SpooledBatch | undefined {
  try {
    const envelopeBytes = envelopeLength(bytes, 0);
    if (envelopeBytes === undefined || envelopeBytes > bytes.length) return undefined;
    const message = envelopeMessage(bytes.subarray(0, envelopeBytes));
    const response = fromBinary(StreamEventsResponseSchema, message).message;
    if (response.case !== "batch") return undefined;
    const { header, events } = response.value;
    if (header?.firstSequence !== firstSequence || header.count !== events.length) return undefined;
    return { message, envelopeBytes, log: header.log ?? create(LogPositionSchema), events };
  } catch {
    // After a crash of the machine these can be any bytes.
    return undefined;
  }
}

/** Leaves so many bytes of a segment; none at all when that is less than none. */
function cutSegment(path: string, bytes: number): void {
  if (bytes < 0) rmSync(path);
  else if (statSync(path).size > bytes) truncateSync(path, bytes);
}

function countMissed(fingerprint: Fingerprint, from: LogPlace, to: LogPlace): void {
  fingerprint.missed(LogStream.STDOUT, to.stdoutOffset - from.stdoutOffset);
  fingerprint.missed(LogStream.STDERR, to.stderrOffset - from.stderrOffset);
}

function countEvent(fingerprint: Fingerprint, { payload }: JobEvent): void {
  if (payload.case === "log") {
    const { stream, data } = payload.value;
    fingerprint.written(outputStream(stream), data.length);
    fingerprint.kept(outputStream(stream), data);
  }
  if (payload.case === "logGap") {
    const { stream, fromOffset, toOffset } = payload.value;
    fingerprint.written(outputStream(stream), Number(toOffset - fromOffset));
  }
}

function outputStream(stream: LogStream): OutputStream {
  return stream === LogStream.STDOUT ? LogStream.STDOUT : LogStream.STDERR;
}
