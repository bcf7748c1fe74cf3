/** Batches of events: how they are numbered, encoded once, and cut for a reader who has seen part of one. */
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  EventBatchSchema,
  type JobEvent,
  JobEventSchema,
  type LogPosition,
  LogPositionSchema,
  LogStream,
} from "#gen/job/v1/job_event_pb.js";
import { WatchJobResponseSchema } from "#gen/job/v1/job_service_pb.js";
import { envelopeLength, envelopeMessage } from "./envelope.ts";

/** What a batch is made of. */
export interface BatchInit {
  readonly firstSequence: number;
  /** Where the log stands before the batch. */
  readonly log: LogPosition;
  readonly events: readonly JobEvent[];
}

/** The message that every binary reader receives for these events, encoded. */
export function encodeBatch({ firstSequence, log, events }: BatchInit): Uint8Array<ArrayBuffer> {
  const header = { firstSequence, count: events.length, log, notable: events.some(isNotable) };
  const value = create(EventBatchSchema, { header, events: [...events] });
  return toBinary(WatchJobResponseSchema, create(WatchJobResponseSchema, { message: { case: "batch", value } }));
}

/** True for events that change more than the log or a text that is being written: see BatchHeader.notable. */
export function isNotable({ payload }: JobEvent): boolean {
  return payload.case !== "log" && !(payload.case === "agent" && payload.value.event.case === "delta");
}

/** An event that happens now. */
export function eventAt(
  timeMs: number,
  payload: NonNullable<MessageInitShape<typeof JobEventSchema>["payload"]>,
): JobEvent {
  return create(JobEventSchema, { time: timestampFromMs(timeMs), payload });
}

/**
 * An encoded batch without the events up to and including afterSequence, for a reader whose cursor lies inside it. The
 * batch must hold a later event.
 */
export function trimBatch(message: Uint8Array<ArrayBuffer>, afterSequence: number): Uint8Array<ArrayBuffer> {
  const response = fromBinary(WatchJobResponseSchema, message);
  if (response.message.case !== "batch") return message;
  const { header, events } = response.message.value;
  const seen = afterSequence + 1 - (header?.firstSequence ?? 0);
  if (seen <= 0) return message;
  const log = events.slice(0, seen).reduce(advance, header?.log ?? create(LogPositionSchema));
  return encodeBatch({ firstSequence: afterSequence + 1, log, events: events.slice(seen) });
}

/**
 * Where the log stands after an event. How many lines were begun is exact but behind a LogGap: that tells the line ends it
 * swallowed, not whether its first and last lines go on around it, so the next header does.
 */
export function advance(log: LogPosition, { payload }: JobEvent): LogPosition {
  if (payload.case === "log") {
    const { stream, offset, firstLine, data } = payload.value;
    const begun = firstLine + linesBegunAfterFirst(data);
    return moveTo(log, stream, offset + BigInt(data.length), Math.max(log.lines, begun));
  }
  if (payload.case === "logGap") {
    const { stream, toOffset, lines } = payload.value;
    return moveTo(log, stream, toOffset, log.lines + lines);
  }
  return log;
}

/** Lines that begin inside these bytes after the first one: one behind every line end but a last byte's. */
export function linesBegunAfterFirst(data: Uint8Array): number {
  return countLineEnds(data) - (data.at(-1) === newline ? 1 : 0);
}

/** Line ends in these bytes. */
export function countLineEnds(data: Uint8Array): number {
  let count = 0;
  for (let at = data.indexOf(newline); at >= 0; at = data.indexOf(newline, at + 1)) count += 1;
  return count;
}

const newline = 0x0a;

function moveTo(log: LogPosition, stream: LogStream, offset: bigint, lines: number): LogPosition {
  const { stdoutOffset, stderrOffset } = log;
  return create(LogPositionSchema, {
    stdoutOffset: stream === LogStream.STDOUT ? offset : stdoutOffset,
    stderrOffset: stream === LogStream.STDERR ? offset : stderrOffset,
    lines,
  });
}

/** Where the log stands after the last of these envelopes, which hold batches. */
export function logPositionAfter(envelopes: Uint8Array<ArrayBuffer>): LogPosition {
  let last = envelopes;
  for (let offset = 0, length = envelopeLength(envelopes, 0); length !== undefined; ) {
    last = envelopes.subarray(offset, offset + length);
    offset += length;
    length = envelopeLength(envelopes, offset);
  }
  const { message } = fromBinary(WatchJobResponseSchema, envelopeMessage(last));
  if (message.case !== "batch") throw new Error("frames hold something else than batches");
  return message.value.events.reduce(advance, message.value.header?.log ?? create(LogPositionSchema));
}
