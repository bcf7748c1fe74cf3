import { posix } from "node:path";
import type { SentLine } from "./artifact-sender.ts";

/** What comes out of a box: a file, whose content must be read before the next is asked for, or that one was left out. */
export type Sent =
  | { readonly kind: "file"; readonly path: string; readonly size: number; readonly content: AsyncIterable<Uint8Array> }
  | { readonly kind: "skipped"; readonly path: string; readonly reason: string };

/** What is taken of it at most. */
export interface SentLimits {
  readonly maxFiles: number;
  readonly maxBytes: number;
}

/** Reads what the sender of artifacts writes. Throws on anything that it would not write: then the job got at it. */
export async function* readSent(output: AsyncIterable<Buffer>, limits: SentLimits): AsyncGenerator<Sent> {
  const bytes = new Bytes(output);
  const paths = new Set<string>();
  let leftBytes = limits.maxBytes;
  let skipped = 0;
  for (let line = await bytes.line(); line !== undefined; line = await bytes.line()) {
    const head = parseLine(line);
    if ("skipped" in head) {
      skipped += 1;
      if (skipped > maxSkipped) throw new Error("it told of too many files that are left out");
      yield { kind: "skipped", path: head.skipped, reason: head.reason };
      continue;
    }
    const { path, size } = head;
    if (paths.size === limits.maxFiles || size > leftBytes) throw new Error("it sent more than it may");
    if (!isInside(path) || paths.has(path)) throw new Error("it sent a path that it may not");
    paths.add(path);
    leftBytes -= size;
    yield { kind: "file", path, size, content: bytes.take(size) };
  }
}

/** As many as the sender tells one by one, and the line that counts the rest. */
const maxSkipped = 101;
const maxPathBytes = 4096;
const maxTextLength = 8192;
/** A path of the greatest length, with every character escaped. */
const maxLineBytes = 64 * 1024;

function parseLine(line: string): SentLine {
  const value: unknown = JSON.parse(line);
  if (typeof value !== "object" || value === null) throw new Error("it sent a line that is none");
  const { path, size, skipped, reason }: Partial<Record<string, unknown>> = { ...value };
  if (typeof path === "string" && typeof size === "number" && Number.isSafeInteger(size) && size >= 0) {
    return { path, size };
  }
  const isTold = typeof skipped === "string" && typeof reason === "string";
  if (!isTold || skipped.length + reason.length > maxTextLength) throw new Error("it sent a line that is none");
  return { skipped, reason };
}

function isInside(path: string): boolean {
  const isPlain = path !== "" && posix.normalize(path) === path && !path.includes("\0") && path.isWellFormed();
  return isPlain && !/^(\/|\.\.?(\/|$))|\/$/.test(path) && Buffer.byteLength(path) <= maxPathBytes;
}

/** Takes a stream of bytes apart. */
class Bytes {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next line, or undefined at the end. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end !== -1) {
        const line = this.#rest.toString("utf8", 0, end);
        this.#rest = this.#rest.subarray(end + 1);
        return line;
      }
      if (this.#rest.length > maxLineBytes) throw new Error("it sent a line that is too long");
      const next = await this.#next();
      if (next === undefined && this.#rest.length > 0) throw new Error("it ended within a line");
      if (next === undefined) return undefined;
      this.#rest = Buffer.concat([this.#rest, next]);
    }
  }

  /** The next bytes, exactly as many. */
  async *take(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0; ) {
      const data = this.#rest.length > 0 ? this.#rest : await this.#next();
      if (data === undefined) throw new Error("it ended within a file");
      const part = data.subarray(0, left);
      this.#rest = data.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  async #next(): Promise<Buffer | undefined> {
    const { done, value } = await this.#source.next();
    return done ? undefined : value;
  }
}
