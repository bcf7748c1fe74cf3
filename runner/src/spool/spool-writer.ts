import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import type { BatchRange } from "./event-writer.ts";
import { type SpoolEnd, segmentBytes, segmentName } from "./segments.ts";

/**
 * Appends envelopes to a spool. Writes are synchronous: the one process that makes them has nothing better to do, output
 * that comes faster than the disk waits in the job's pipe, and nothing is told to anybody before it is in the file. They
 * survive the death of every process, not of the machine.
 */
export class SpoolWriter {
  readonly #directory: string;
  #fd: number | undefined;
  #segmentEnd = 0;
  #end: SpoolEnd;

  constructor(directory: string, end: SpoolEnd) {
    this.#directory = directory;
    this.#end = end;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** How far the spool is written. */
  get end(): SpoolEnd {
    return this.#end;
  }

  append(envelope: Uint8Array, { firstSequence, newestSequence }: BatchRange): void {
    const fd = this.#segment(firstSequence);
    for (let written = 0; written < envelope.length; ) written += writeSync(fd, envelope, written);
    this.#end = { newestSequence, bytes: this.#end.bytes + envelope.length };
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #segment(firstSequence: number): number {
    if (this.#fd !== undefined && this.#end.bytes < this.#segmentEnd) return this.#fd;
    this.close();
    this.#fd = openSync(`${this.#directory}/${segmentName(firstSequence, this.#end.bytes)}`, "a", 0o600);
    this.#segmentEnd = this.#end.bytes + segmentBytes;
    return this.#fd;
  }
}
