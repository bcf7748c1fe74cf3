import { createHash, type Hash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { type LogDigest, LogDigestSchema, LogStream } from "#gen/job/v1/job_event_pb.js";
import type { OutputStream } from "./log-numbering.ts";

/** Fingerprints what one attempt wrote: its batches, and the output of each stream. */
export class Fingerprint {
  readonly #events = createHash("sha256");
  readonly #streams: Record<OutputStream, { bytes: number; keptBytes: number; readonly hash: Hash }> = {
    [LogStream.STDOUT]: { bytes: 0, keptBytes: 0, hash: createHash("sha256") },
    [LogStream.STDERR]: { bytes: 0, keptBytes: 0, hash: createHash("sha256") },
  };
  #whole = true;

  /** Counts a batch's encoded message. */
  batch(message: Uint8Array): void {
    this.#events.update(message);
  }

  /** Counts output as the process wrote it. */
  written(stream: OutputStream, bytes: number): void {
    this.#streams[stream].bytes += bytes;
  }

  /** Counts output that is kept, in its order. */
  kept(stream: OutputStream, data: Uint8Array): void {
    this.#streams[stream].keptBytes += data.length;
    this.#streams[stream].hash.update(data);
  }

  /** Counts kept output that can no longer be read; from now on there are no hashes, only counts. */
  missed(stream: OutputStream, bytes: number): void {
    this.#whole = false;
    this.#streams[stream].bytes += bytes;
    this.#streams[stream].keptBytes += bytes;
  }

  /** SHA-256 over the batches so far; empty when some were missed. */
  events(): Uint8Array<ArrayBuffer> {
    return this.#digest(this.#events);
  }

  /** The digest of a stream so far; its hash is empty when some output was missed. */
  stream(stream: OutputStream): LogDigest {
    const { bytes, keptBytes, hash } = this.#streams[stream];
    const sha256 = this.#digest(hash);
    return create(LogDigestSchema, { bytes: BigInt(bytes), keptBytes: BigInt(keptBytes), sha256 });
  }

  #digest(hash: Hash): Uint8Array<ArrayBuffer> {
    return this.#whole ? new Uint8Array(hash.copy().digest()) : new Uint8Array(0);
  }
}
