import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writevSync } from "node:fs";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { type LogPiece, type OutputStream, splitPiece } from "./log-numbering.ts";

/** Output that was not kept, of one stream. */
export interface OutputCut {
  readonly stream: OutputStream;
  readonly fromOffset: number;
  readonly toOffset: number;
  readonly lineEnds: number;
}

/** What is left of held output: what was cut, and then the pieces in order. */
export interface ReleasedOutput {
  readonly cuts: readonly OutputCut[];
  readonly pieces: Iterable<LogPiece>;
}

interface HeldFile {
  readonly path: string;
  bytes: number;
  readonly cuts: Map<OutputStream, OutputCut>;
}

/**
 * Output past the kept head, waiting on disk for the end of the job: only then is it known which part is the tail. Holds
 * the newest `limit` bytes exactly and, meanwhile, up to a quarter more.
 */
export class HeldOutput {
  readonly #directory: string;
  readonly #limit: number;
  readonly #fileBytes: number;
  readonly #files: HeldFile[] = [];
  readonly #cuts = new Map<OutputStream, OutputCut>();
  #openFd: number | undefined;
  #filesMade = 0;
  #bytes = 0;

  constructor(directory: string, limit: number) {
    this.#directory = directory;
    this.#limit = limit;
    this.#fileBytes = Math.min(limit / 4, maxFileBytes);
  }

  push(piece: LogPiece): void {
    const { file, fd } = this.#currentFile();
    writevSync(fd, [encodeRecordHead(piece), piece.data]);
    file.bytes += piece.data.length;
    this.#bytes += piece.data.length;
    addCut(file.cuts, asCut(piece));
    this.#dropOldest();
  }

  /** What is left. The pieces are read from disk as they are taken, so they must be taken before `discard`. */
  release(): ReleasedOutput {
    const excess = Math.max(0, this.#bytes - this.#limit);
    const [first, ...rest] = this.#files.map(({ path }) => path);
    const kept =
      first === undefined ? [] : cutFront(readRecords(first), excess, (piece) => addCut(this.#cuts, asCut(piece)));
    return { cuts: [...this.#cuts.values()], pieces: chain(kept, rest) };
  }

  /** Deletes everything. */
  discard(): void {
    if (this.#openFd !== undefined) closeSync(this.#openFd);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #currentFile(): { file: HeldFile; fd: number } {
    const last = this.#files.at(-1);
    if (last !== undefined && this.#openFd !== undefined && last.bytes < this.#fileBytes) {
      return { file: last, fd: this.#openFd };
    }
    if (this.#openFd === undefined) mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    else closeSync(this.#openFd);
    const file: HeldFile = { path: `${this.#directory}/${this.#filesMade}`, bytes: 0, cuts: new Map() };
    const fd = openSync(file.path, "ax", 0o600);
    this.#openFd = fd;
    this.#filesMade += 1;
    this.#files.push(file);
    return { file, fd };
  }

  #dropOldest(): void {
    for (let [oldest] = this.#files; oldest !== undefined; [oldest] = this.#files) {
      if (this.#bytes - oldest.bytes < this.#limit) return;
      for (const cut of oldest.cuts.values()) addCut(this.#cuts, cut);
      rmSync(oldest.path);
      this.#files.shift();
      this.#bytes -= oldest.bytes;
    }
  }
}

// A file is read whole when its turn comes, so this bounds memory.
const maxFileBytes = 4 << 20;

function asCut({ stream, offset, data, lineEnds }: LogPiece): OutputCut {
  return { stream, fromOffset: offset, toOffset: offset + data.length, lineEnds };
}

/** Puts a cut behind those of the same stream before it. */
function addCut(cuts: Map<OutputStream, OutputCut>, cut: OutputCut): void {
  const before = cuts.get(cut.stream);
  const { fromOffset, lineEnds } = before ?? { fromOffset: cut.fromOffset, lineEnds: 0 };
  cuts.set(cut.stream, { ...cut, fromOffset, lineEnds: lineEnds + cut.lineEnds });
}

/** The pieces without their first `excess` bytes, which are handed to `cut`. */
function cutFront(pieces: Iterable<LogPiece>, excess: number, cut: (piece: LogPiece) => void): LogPiece[] {
  const kept: LogPiece[] = [];
  let rest = excess;
  for (const piece of pieces) {
    const length = Math.min(rest, piece.data.length);
    const [front, back] = splitPiece(piece, length);
    if (length > 0) cut(front);
    if (back.data.length > 0) kept.push(back);
    rest -= length;
  }
  return kept;
}

function* chain(first: Iterable<LogPiece>, paths: readonly string[]): Generator<LogPiece> {
  yield* first;
  for (const path of paths) yield* readRecords(path);
}

const headBytes = 40;

function encodeRecordHead({ stream, offset, firstLine, linesBefore, timeMs, data, lineEnds }: LogPiece): Uint8Array {
  const head = new DataView(new ArrayBuffer(headBytes));
  head.setUint32(0, data.length);
  head.setUint32(4, stream);
  head.setUint32(8, firstLine);
  head.setUint32(12, linesBefore);
  head.setFloat64(16, offset);
  head.setFloat64(24, timeMs);
  head.setUint32(32, lineEnds);
  return new Uint8Array(head.buffer);
}

function* readRecords(path: string): Generator<LogPiece> {
  const file = readFileSync(path);
  for (let at = 0; at < file.length; ) {
    const head = new DataView(file.buffer, file.byteOffset + at, headBytes);
    const start = at + headBytes;
    at = start + head.getUint32(0);
    yield {
      stream: head.getUint32(4) === LogStream.STDOUT ? LogStream.STDOUT : LogStream.STDERR,
      firstLine: head.getUint32(8),
      linesBefore: head.getUint32(12),
      offset: head.getFloat64(16),
      timeMs: head.getFloat64(24),
      data: file.subarray(start, at),
      lineEnds: head.getUint32(32),
    };
  }
}
