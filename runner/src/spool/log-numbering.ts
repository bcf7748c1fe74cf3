import { type LogPosition, LogStream } from "#gen/job/v1/job_event_pb.js";
import { countLineEnds } from "#protocol/batch.ts";

/** The streams that output comes from. */
export type OutputStream = LogStream.STDOUT | LogStream.STDERR;

/** Where the log stands, in plain numbers: exact up to 2^53. */
export interface LogPlace {
  readonly stdoutOffset: number;
  readonly stderrOffset: number;
  /** Lines begun, both streams together. */
  readonly lines: number;
}

/** A place as messages tell it; an absent one is the beginning. */
export function logPlace(position: LogPosition | undefined): LogPlace {
  return {
    stdoutOffset: Number(position?.stdoutOffset ?? 0n),
    stderrOffset: Number(position?.stderrOffset ?? 0n),
    lines: position?.lines ?? 0,
  };
}

/** A run of output whose lines are numbered one after another from `firstLine`. */
export interface LogPiece {
  readonly stream: OutputStream;
  readonly offset: number;
  readonly firstLine: number;
  /** Lines begun before it. */
  readonly linesBefore: number;
  readonly timeMs: number;
  readonly data: Uint8Array;
  /** Line ends in the data. */
  readonly lineEnds: number;
}

/**
 * Gives output its offsets and line numbers. Lines are numbered over both streams in the order of their first bytes, so
 * output that goes on with a line older than the newest one is cut after that line.
 */
export class LogNumbering {
  readonly #offset: Record<OutputStream, number>;
  /** The line a stream is in the middle of, 0 at the start of a line. */
  readonly #openLine: Record<OutputStream, number> = { [LogStream.STDOUT]: 0, [LogStream.STDERR]: 0 };
  #lines: number;

  constructor(start: LogPlace) {
    this.#offset = { [LogStream.STDOUT]: start.stdoutOffset, [LogStream.STDERR]: start.stderrOffset };
    this.#lines = start.lines;
  }

  /** The pieces, views of `data`, that these bytes make; one or two. */
  number(stream: OutputStream, data: Uint8Array, timeMs: number): LogPiece[] {
    const open = this.#openLine[stream];
    if (open === 0 || open === this.#lines) return [this.#take(stream, data, timeMs)];
    const end = data.indexOf(lineEnd) + 1 || data.length;
    const older = this.#place(stream, open, data.subarray(0, end), timeMs);
    if (data[end - 1] === lineEnd) this.#openLine[stream] = 0;
    return end === data.length ? [older] : [older, this.#take(stream, data.subarray(end), timeMs)];
  }

  #take(stream: OutputStream, data: Uint8Array, timeMs: number): LogPiece {
    const piece = this.#place(stream, this.#openLine[stream] || this.#lines + 1, data, timeMs);
    this.#lines = linesAfter(piece);
    this.#openLine[stream] = endsLine(piece) ? 0 : this.#lines;
    return piece;
  }

  #place(stream: OutputStream, firstLine: number, data: Uint8Array, timeMs: number): LogPiece {
    const offset = this.#offset[stream];
    this.#offset[stream] += data.length;
    return { stream, offset, firstLine, linesBefore: this.#lines, timeMs, data, lineEnds: countLineEnds(data) };
  }
}

/** The two parts of a piece, the first `length` bytes long. */
export function splitPiece(piece: LogPiece, length: number): [LogPiece, LogPiece] {
  const data = piece.data.subarray(0, length);
  const first = { ...piece, data, lineEnds: countLineEnds(data) };
  const second = {
    ...piece,
    offset: piece.offset + length,
    firstLine: lineAfter(first),
    linesBefore: linesAfter(first),
    data: piece.data.subarray(length),
    lineEnds: piece.lineEnds - first.lineEnds,
  };
  return [first, second];
}

/** Number of the line that the next byte of the stream belongs to, unless another stream begins a line first. */
export function lineAfter({ firstLine, lineEnds }: LogPiece): number {
  return firstLine + lineEnds;
}

/** Lines begun once the piece is written. */
export function linesAfter(piece: LogPiece): number {
  if (piece.data.length === 0) return piece.linesBefore;
  return Math.max(piece.linesBefore, endsLine(piece) ? lineAfter(piece) - 1 : lineAfter(piece));
}

function endsLine({ data }: LogPiece): boolean {
  return data[data.length - 1] === lineEnd;
}

const lineEnd = 0x0a;
