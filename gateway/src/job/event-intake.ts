/** Takes an attempt's events from its runner: one stream, reopened after every break, read as bytes. */
import { fromBinary } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { endStreamFromJson } from "@connectrpc/connect/protocol-connect";
import type { JobEvent } from "#gen/job/v1/job_event_pb.js";
import { WatchJobResponseSchema, WatchOutcome } from "#gen/job/v1/job_service_pb.js";
import { concatBytes } from "#protocol/bytes.ts";
import {
  connectEndFlag,
  EnvelopeSplitter,
  envelopeFlags,
  envelopeMessage,
  readBatchHeader,
} from "#protocol/envelope.ts";
import type { Frames } from "./job-store.ts";

/** The runner sent what no runner may send; asking again would bring the same. */
export class ContractBroken extends Error {}

/** What the intake finds on a stream. */
export interface IntakeHandler {
  /** Consecutive events as bytes; `notable` are the decoded events of the batches that are marked so. */
  onFrames(frames: Frames, notable: readonly JobEvent[]): void;
  /** The runner sent a verdict, events or a heartbeat. */
  onHeard(): void;
  /** True once nothing more is wanted of the stream. */
  isOver(): boolean;
}

const readBufferBytes = 128 * 1024;

/**
 * Reads one StreamEvents response to its end, or until the handler wants no more. Returns undefined when it ended with OK,
 * or the error it ended with. Throws when the connection broke, and ContractBroken.
 */
export async function takeEvents(
  body: ReadableStream<Uint8Array>,
  handler: IntakeHandler,
): Promise<ConnectError | undefined> {
  const reader = body.getReader({ mode: "byob" });
  const splitter = new EnvelopeSplitter();
  let buffer = new ArrayBuffer(readBufferBytes);
  try {
    for (;;) {
      const { value, done } = await reader.read(new Uint8Array(buffer));
      if (done || value === undefined) throw new Error("the stream broke off");
      const envelopes = splitter.push(value);
      const endsAt = envelopes.findIndex((envelope) => envelopeFlags(envelope) === connectEndFlag);
      takeMessages(endsAt === -1 ? envelopes : envelopes.slice(0, endsAt), handler);
      const end = envelopes[endsAt];
      if (end !== undefined) return endStreamFromJson(envelopeMessage(end)).error;
      if (handler.isOver()) return undefined;
      // Frames were copied out, so the buffer can be filled again.
      buffer = value.buffer;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Hands the batches among these envelopes on as one run of bytes. */
function takeMessages(envelopes: readonly Uint8Array[], handler: IntakeHandler): void {
  if (envelopes.length > 0) handler.onHeard();
  const batches: Uint8Array[] = [];
  const notable: JobEvent[] = [];
  let first: { sequence: number; lines: number } | undefined;
  let last = 0;
  for (const envelope of envelopes) {
    const message = envelopeMessage(envelope);
    const header = readBatchHeader(message);
    if (header === undefined) {
      refuseGap(message);
      continue;
    }
    if (header.count < 1) throw new ContractBroken("a batch without events came");
    if (first !== undefined && header.firstSequence !== last + 1) {
      throw new ContractBroken(`event ${header.firstSequence} came behind ${last}`);
    }
    first ??= { sequence: header.firstSequence, lines: header.log?.lines ?? 0 };
    last = header.firstSequence + header.count - 1;
    batches.push(envelope);
    if (header.notable) notable.push(...eventsOf(message));
  }
  if (first === undefined) return;
  handler.onFrames({ first: first.sequence, last, lines: first.lines, bytes: concatBytes(batches) }, notable);
}

function eventsOf(message: Uint8Array): readonly JobEvent[] {
  const response = fromBinary(WatchJobResponseSchema, message);
  if (response.message.case !== "batch") return [];
  const { header, events } = response.message.value;
  if (header?.count !== events.length) {
    throw new ContractBroken(`a batch of ${events.length} events came as one of ${header?.count}`);
  }
  return events;
}

/** A runner keeps whatever was not acknowledged; a gap means that it lost some of it. */
function refuseGap(bytes: Uint8Array): void {
  const { message } = fromBinary(WatchJobResponseSchema, bytes);
  if (message.case !== "verdict" || message.value.outcome === WatchOutcome.OK) return;
  throw new ContractBroken("events are missing at the runner");
}
