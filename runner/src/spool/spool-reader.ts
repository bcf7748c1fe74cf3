import { closeSync, openSync, read, readSync, rmSync } from "node:fs";
import { promisify } from "node:util";
import { EnvelopeSplitter, envelopeMessage, readBatchHeader } from "#protocol/envelope.ts";
import { listSegments, type Segment, type SpoolEnd } from "./segments.ts";

/** Most bytes in one read. */
const maxReadBytes = 256 * 1024;
/** What is read at once: it was just written, and to hand so little to another thread takes longer than to read it. */
const maxSyncBytes = 64 * 1024;
const readAside = promisify(read);

interface OpenSegment {
  readonly fd: number;
  readonly start: number;
  /** Where the next segment begins; infinite while this is the newest. */
  readonly next: number;
}

/** Reads a spool from one place onward, while it is written and while old segments are freed. */
export class SpoolReader implements Disposable {
  readonly #directory: string;
  // One for all reads: to collect so many buffers would cost more than everything else that serving a stream does.
  readonly #buffer = new Uint8Array(maxReadBytes);
  #at: number;
  #file: OpenSegment | undefined;

  /** Reads from byte `start` of what was ever spooled. */
  constructor(directory: string, start: number) {
    this.#directory = directory;
    this.#at = start;
  }

  /** Bytes read so far, those before `start` included. */
  get position(): number {
    return this.#at;
  }

  /**
   * The next bytes below `end`, which must be a place where an envelope ends. They may end inside an envelope, and are
   * overwritten by the next read.
   */
  async read(end: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.#readFile(end);
    if (bytes.length > 0) return bytes;
    // The newest segment was closed behind what we had read of it: go on in the next.
    this[Symbol.dispose]();
    const more = await this.#readFile(end);
    if (more.length === 0) throw new Error(`spool ${this.#directory} ends at ${this.#at}, before ${end}`);
    return more;
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file.fd);
    this.#file = undefined;
  }

  async #readFile(end: number): Promise<Uint8Array<ArrayBuffer>> {
    const { fd, start, next } = this.#open();
    const length = Math.min(maxReadBytes, end - this.#at, next - this.#at);
    const bytesRead =
      length <= maxSyncBytes
        ? readSync(fd, this.#buffer, 0, length, this.#at - start)
        : (await readAside(fd, this.#buffer, 0, length, this.#at - start)).bytesRead;
    this.#at += bytesRead;
    return this.#buffer.subarray(0, bytesRead);
  }

  #open(): OpenSegment {
    if (this.#file !== undefined && this.#at < this.#file.next) return this.#file;
    this[Symbol.dispose]();
    const segments = listSegments(this.#directory);
    const index = segments.findLastIndex(({ start }) => start <= this.#at);
    const segment = segments[index];
    if (segment === undefined) throw new Error(`spool ${this.#directory} no longer holds byte ${this.#at}`);
    const fd = openSync(`${this.#directory}/${segment.name}`, "r");
    const next = segments[index + 1]?.start ?? Number.POSITIVE_INFINITY;
    this.#file = { fd, start: segment.start, next };
    return this.#file;
  }
}

/** The place where the first batch with an event after `sequence` begins; the end when there is none. */
export async function findBatchAfter(directory: string, sequence: number, end: SpoolEnd): Promise<number> {
  if (sequence >= end.newestSequence) return end.bytes;
  const segments = listSegments(directory);
  const segment = segments.findLast(({ firstSequence }) => firstSequence <= sequence + 1) ?? segments[0];
  if (segment === undefined) return end.bytes;
  using reader = new SpoolReader(directory, segment.start);
  const splitter = new EnvelopeSplitter();
  for (let at = segment.start; at < end.bytes; ) {
    for (const envelope of splitter.push(await reader.read(end.bytes))) {
      const header = readBatchHeader(envelopeMessage(envelope));
      if (header === undefined || header.firstSequence + header.count > sequence + 1) return at;
      at += envelope.length;
    }
  }
  return end.bytes;
}

/** Deletes the segments that hold nothing but events up to `sequence`; the newest segment stays. */
export function freeSegments(directory: string, sequence: number): void {
  const segments = listSegments(directory);
  const freed = segments.filter((_, index) => isFreed(segments[index + 1], sequence));
  for (const { name } of freed) rmSync(`${directory}/${name}`);
}

/** Number of the oldest event that is kept; 0 when there is none. */
export function oldestSequence(directory: string): number {
  return listSegments(directory)[0]?.firstSequence ?? 0;
}

function isFreed(next: Segment | undefined, sequence: number): boolean {
  return next !== undefined && next.firstSequence <= sequence + 1;
}
