/**
 * Envelopes of Connect's streaming protocols: one byte of flags, four bytes of length (big-endian), the message. The
 * runner's spool, the tunnel, the gateway's store and its binary watchers all carry the very same envelopes.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { type BatchHeader, BatchHeaderSchema } from "#gen/job/v1/job_event_pb.js";
import { concatBytes } from "./bytes.ts";

/** Bytes in front of each message. */
export const envelopePrefixBytes = 5;

/** Flags of a plain message, of the end of a Connect stream, of the trailers of a gRPC-Web stream. */
export const messageFlag = 0x00;
export const connectEndFlag = 0x02;
export const grpcWebTrailerFlag = 0x80;

/** Largest message taken from a runner or spool: an EventBatch of 1 MiB and some room. */
export const maxMessageBytes = (1 << 20) + 4096;

/** One message in its envelope. */
export function encodeEnvelope(flags: number, message: Uint8Array): Uint8Array<ArrayBuffer> {
  const envelope = new Uint8Array(envelopePrefixBytes + message.length);
  envelope[0] = flags;
  new DataView(envelope.buffer).setUint32(1, message.length);
  envelope.set(message, envelopePrefixBytes);
  return envelope;
}

/** The flags of a whole envelope. */
export function envelopeFlags(envelope: Uint8Array): number {
  return envelope[0] ?? 0;
}

/** The message of a whole envelope, without a copy. */
export function envelopeMessage(envelope: Uint8Array): Uint8Array {
  return envelope.subarray(envelopePrefixBytes);
}

/**
 * Length in bytes of the envelope that starts at `offset`, or undefined when fewer than five bytes are there. Throws when
 * it announces more than maxMessageBytes.
 */
export function envelopeLength(bytes: Uint8Array, offset: number): number | undefined {
  if (bytes.length - offset < envelopePrefixBytes) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset + offset).getUint32(1);
  if (length > maxMessageBytes) throw new Error(`envelope of ${length} bytes is larger than ${maxMessageBytes}`);
  return envelopePrefixBytes + length;
}

/** Cuts a stream of bytes, however it arrives, into whole envelopes. Each is a view of what was pushed where it can be. */
export class EnvelopeSplitter {
  #rest = new Uint8Array(0);

  /** Bytes of an envelope that is not yet whole. */
  get pendingBytes(): number {
    return this.#rest.length;
  }

  /** The envelopes that these bytes complete, in order. The bytes must not be changed afterwards. */
  push(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
    const joined = this.#rest.length === 0 ? bytes : concatBytes([this.#rest, bytes]);
    const envelopes: Uint8Array<ArrayBuffer>[] = [];
    let offset = 0;
    for (;;) {
      const length = envelopeLength(joined, offset);
      if (length === undefined || offset + length > joined.length) break;
      envelopes.push(joined.subarray(offset, offset + length));
      offset += length;
    }
    this.#rest = joined.slice(offset);
    return envelopes;
  }
}

/**
 * The header of the EventBatch inside an encoded WatchJobResponse or StreamEventsResponse, read without the events.
 * Undefined when the message is a verdict or heartbeat.
 */
export function readBatchHeader(message: Uint8Array): BatchHeader | undefined {
  const batch = lengthDelimited(message, 0, batchTag);
  if (batch === undefined) return undefined;
  const header = lengthDelimited(message, batch.start, headerTag);
  if (header === undefined) throw new Error("batch does not begin with its header");
  return fromBinary(BatchHeaderSchema, message.subarray(header.start, header.end));
}

// Field 1, length-delimited: batch in the response, header in the batch.
const batchTag = 0x0a;
const headerTag = 0x0a;

function lengthDelimited(bytes: Uint8Array, offset: number, tag: number): { start: number; end: number } | undefined {
  if (bytes[offset] !== tag) return undefined;
  let length = 0;
  for (let shift = 0, at = offset + 1; shift < 28; shift += 7, at += 1) {
    const byte = bytes[at];
    if (byte === undefined) break;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { start: at + 1, end: at + 1 + length };
  }
  throw new Error("batch is malformed");
}
