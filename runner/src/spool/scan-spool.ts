import { existsSync, readFileSync, truncateSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { type BatchHeader, type JobEvent, LogStream } from "#gen/job/v1/job_event_pb.js";
import { StreamEventsResponseSchema } from "#gen/runner/v1/runner_service_pb.js";
import { envelopeLength, envelopeMessage } from "#protocol/envelope.ts";
import { Fingerprint } from "./fingerprint.ts";
import type { LogPlace, OutputStream } from "./log-numbering.ts";
import { listSegments, type SpoolEnd } from "./segments.ts";

/** What a spool holds whose writer is dead. */
export interface SpoolScan {
  readonly end: SpoolEnd;
  /** Where the log stands. */
  readonly log: LogPlace;
  readonly fingerprint: Fingerprint;
  /** True when AttemptEnded is in it. */
  readonly ended: boolean;
}

/** Reads a whole spool whose writer is dead, and cuts off the envelope that it may have left half written. */
export function scanSpool(directory: string, first: { firstSequence: number; log: LogPlace }): SpoolScan {
  // It may have died before it wrote anything.
  const segments = existsSync(directory) ? listSegments(directory) : [];
  const fingerprint = new Fingerprint();
  let end: SpoolEnd = { newestSequence: first.firstSequence - 1, bytes: segments[0]?.start ?? 0 };
  let log = first.log;
  let ended = false;
  for (const { name, start } of segments) {
    const bytes = readFileSync(`${directory}/${name}`);
    for (const envelope of wholeEnvelopes(bytes)) {
      const message = envelopeMessage(envelope);
      const { header, events } = readBatch(message);
      // The segments before were freed, so what they held is known by where the log stands now.
      if (end.newestSequence + 1 < header.firstSequence) countMissed(fingerprint, first.log, headerPlace(header));
      log = headerPlace(header);
      for (const event of events) log = countEvent(fingerprint, log, event);
      fingerprint.batch(message);
      ended = events.some(({ payload }) => payload.case === "attemptEnded");
      end = { newestSequence: header.firstSequence + header.count - 1, bytes: end.bytes + envelope.length };
    }
    if (end.bytes < start + bytes.length) truncateSync(`${directory}/${name}`, end.bytes - start);
  }
  return { end, log, fingerprint, ended };
}

function* wholeEnvelopes(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; ; ) {
    const length = envelopeLength(bytes, at);
    if (length === undefined || at + length > bytes.length) return;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

function readBatch(message: Uint8Array): { header: BatchHeader; events: readonly JobEvent[] } {
  const response = fromBinary(StreamEventsResponseSchema, message).message;
  if (response.case !== "batch" || response.value.header === undefined) throw new Error("spool holds no batch");
  return { header: response.value.header, events: response.value.events };
}

function headerPlace({ log }: BatchHeader): LogPlace {
  return {
    stdoutOffset: Number(log?.stdoutOffset ?? 0),
    stderrOffset: Number(log?.stderrOffset ?? 0),
    lines: log?.lines ?? 0,
  };
}

function countMissed(fingerprint: Fingerprint, from: LogPlace, to: LogPlace): void {
  fingerprint.missed(LogStream.STDOUT, to.stdoutOffset - from.stdoutOffset);
  fingerprint.missed(LogStream.STDERR, to.stderrOffset - from.stderrOffset);
}

function countEvent(fingerprint: Fingerprint, log: LogPlace, { payload }: JobEvent): LogPlace {
  if (payload.case === "log") {
    const { stream, offset, firstLine, data } = payload.value;
    fingerprint.written(outputStream(stream), data.length);
    fingerprint.kept(outputStream(stream), data);
    const lineEnds = data.filter((byte) => byte === 0x0a).length;
    const newestLine = firstLine + lineEnds - (data.at(-1) === 0x0a ? 1 : 0);
    return placeAfter(log, stream, Number(offset) + data.length, Math.max(log.lines, newestLine));
  }
  if (payload.case === "logGap") {
    const { stream, fromOffset, toOffset } = payload.value;
    fingerprint.written(outputStream(stream), Number(toOffset - fromOffset));
    return placeAfter(log, stream, Number(toOffset), log.lines);
  }
  return log;
}

function placeAfter(log: LogPlace, stream: LogStream, offset: number, lines: number): LogPlace {
  return stream === LogStream.STDOUT
    ? { ...log, stdoutOffset: offset, lines }
    : { ...log, stderrOffset: offset, lines };
}

function outputStream(stream: LogStream): OutputStream {
  return stream === LogStream.STDOUT ? LogStream.STDOUT : LogStream.STDERR;
}
