/** Takes an attempt's events from its runner: one stream, reopened after every break, read as bytes. */
import { fromBinary } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { endStreamFromJson } from "@connectrpc/connect/protocol-connect";
import type { JobEvent } from "#gen/job/v1/job_event_pb.js";
import { WatchJobResponseSchema } from "#gen/job/v1/job_service_pb.js";
import { concatBytes } from "#protocol/bytes.ts";
import {
  connectEndFlag,
  EnvelopeSplitter,
  envelopeFlags,
  envelopeMessage,
  readBatchHeader,
} from "#protocol/envelope.ts";
import type { Frames } from "./job-store.ts";

/** What the intake finds on a stream. */
export interface IntakeHandler {
  /** Consecutive events as bytes; `notable` are the decoded events of the batches that are marked so. */
  onFrames(frames: Frames, notable: readonly JobEvent[]): void;
  /** The runner was heard from. */
  onHeard(): void;
}

const readBufferBytes = 128 * 1024;

/**
 * Reads one StreamEvents response to its end. Returns undefined when it ended with OK, or the error it ended with. Throws
 * when the connection broke or the runner broke the contract.
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
      handler.onHeard();
      const envelopes = splitter.push(value);
      const isEnd = envelopes.findIndex((envelope) => envelopeFlags(envelope) === connectEndFlag);
      takeBatches(isEnd === -1 ? envelopes : envelopes.slice(0, isEnd), handler);
      const end = envelopes[isEnd];
      if (end !== undefined) return endStreamFromJson(envelopeMessage(end)).error;
      // Frames were copied out, so the buffer can be filled again.
      buffer = value.buffer;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Hands the batches among these envelopes on as one run of bytes. */
function takeBatches(envelopes: readonly Uint8Array[], handler: IntakeHandler): void {
  const batches: Uint8Array[] = [];
  const notable: JobEvent[] = [];
  let first: { sequence: number; lines: number } | undefined;
  let last = 0;
  for (const envelope of envelopes) {
    const message = envelopeMessage(envelope);
    const header = readBatchHeader(message);
    if (header === undefined) continue;
    if (first !== undefined && header.firstSequence !== last + 1) {
      throw new Error(`event ${header.firstSequence} does not follow ${last}`);
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
  if (header?.count !== events.length) throw new Error(`batch of ${events.length} events says ${header?.count}`);
  return events;
}
