/**
 * Turns a job's events into lines of output, for every reader that shows lines. Works on bytes, so that a character split
 * over two chunks comes out whole, and keeps at most one unfinished line of each stream.
 */
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import {
  type EventBatch,
  type JobEvent,
  type LogChunk,
  type LogGap,
  type LogPosition,
  LogStream,
} from "#gen/job/v1/job_event_pb.js";
import { JobState } from "#gen/job/v1/job_pb.js";
import { concatBytes } from "./bytes.ts";

/** A longer line comes in pieces of this size or up to three bytes less, so that no character is cut. */
export const maxPieceBytes = 64 * 1024;

/** A line, or a piece of a long one. */
export interface LinePiece {
  readonly kind: "line";
  /** Number of the event that completed it. */
  readonly sequence: number;
  /** When the event with its first byte happened. */
  readonly time: Timestamp | undefined;
  readonly stream: LogStream;
  /** Number of the line, from 1 and over both streams. */
  readonly number: number;
  /** The bytes, without the line feed. */
  readonly bytes: Uint8Array;
  /** True when no line feed follows: more pieces come, or the output ends or was cut here. */
  readonly partial: boolean;
  /** True when the line begins before the first event that was fed. Never true for a reader from the beginning. */
  readonly headless: boolean;
}

/** Output that was not kept; the lines around it are cut there. */
export interface MissingOutput {
  readonly kind: "gap";
  readonly sequence: number;
  readonly time: Timestamp | undefined;
  readonly gap: LogGap;
}

/** What the events of a job amount to for a reader of its output. */
export type LogItem = LinePiece | MissingOutput;

/** Assembles the lines of one job. Feed it every event once, in order; it may start at any event. */
export class LineAssembler {
  readonly #open = new Map<LogStream, OpenLine>();
  readonly #cut = new Set<LogStream>();
  readonly #unseen = new Set<LogStream>();
  #linesBegun = 0;
  #isPlaced = false;

  /** The lines and gaps that a batch completes. */
  pushBatch({ header, events }: EventBatch): readonly LogItem[] {
    this.place(header?.log);
    const first = header?.firstSequence ?? 0;
    return events.flatMap((event, index) => this.push(first + index, event));
  }

  /**
   * Streams that have output before the first event that was fed and none since: each may have a line that was left
   * unfinished there. Empty for a reader from the beginning.
   */
  get unseen(): readonly LogStream[] {
    return [...this.#unseen];
  }

  /** True while a line is open that begins before the first event that was fed. */
  get hasHeadless(): boolean {
    return [...this.#open.values()].some(({ headless }) => headless);
  }

  /** Says where the log stands, from the header of a batch and before its events. Needed once, harmless again. */
  place(position: LogPosition | undefined): void {
    if (!this.#isPlaced && position !== undefined) {
      this.#linesBegun = position.lines;
      if (position.stdoutOffset > 0n) this.#unseen.add(LogStream.STDOUT);
      if (position.stderrOffset > 0n) this.#unseen.add(LogStream.STDERR);
    }
    this.#isPlaced = true;
  }

  /** The lines and gaps that one event completes. */
  push(sequence: number, event: JobEvent): readonly LogItem[] {
    const { payload, time } = event;
    switch (payload.case) {
      case "log":
        return this.#pushChunk({ sequence, time, chunk: payload.value });
      case "logGap":
        return [
          ...this.#cutStream(payload.value.stream, sequence),
          { kind: "gap", sequence, time, gap: payload.value },
        ];
      default:
        return endsOutput(event) ? this.finish(sequence) : [];
    }
  }

  /** The unfinished lines, oldest first, when the output ends or a hole begins. */
  finish(sequence: number): readonly LinePiece[] {
    const pieces = [LogStream.STDOUT, LogStream.STDERR].flatMap((stream) => this.#cutStream(stream, sequence));
    return pieces.sort((one, other) => one.number - other.number);
  }

  #cutStream(stream: LogStream, sequence: number): readonly LinePiece[] {
    this.#cut.add(stream);
    this.#unseen.delete(stream);
    const line = this.#open.get(stream);
    this.#open.delete(stream);
    return line === undefined ? [] : [line.piece({ sequence, partial: true })];
  }

  #pushChunk({ sequence, time, chunk }: TimedChunk): readonly LinePiece[] {
    const { stream, data } = chunk;
    this.#unseen.delete(stream);
    const pieces: LinePiece[] = [];
    for (let start = 0, number = chunk.firstLine; start < data.length; number += 1) {
      const line = this.#open.get(stream) ?? this.#beginLine({ stream, number, time });
      const feed = data.indexOf(lineFeed, start);
      const end = feed === -1 ? data.length : feed;
      pieces.push(...line.append({ bytes: data.subarray(start, end), sequence, time }));
      if (feed === -1) {
        this.#open.set(stream, line);
        break;
      }
      pieces.push(line.piece({ sequence, partial: false }));
      this.#open.delete(stream);
      start = feed + 1;
    }
    return pieces;
  }

  #beginLine({ stream, number, time }: { stream: LogStream; number: number; time: Timestamp | undefined }): OpenLine {
    const isAfterCut = this.#cut.delete(stream);
    const headless = number <= this.#linesBegun && !isAfterCut;
    this.#linesBegun = Math.max(this.#linesBegun, number);
    return new OpenLine(stream, number, time, headless);
  }
}

/** True for an event after which unfinished lines stay so: output ended, or a hole begins. */
export function endsOutput({ payload }: JobEvent): boolean {
  if (payload.case === "stateChanged") return isFinal(payload.value.status?.state);
  return payload.case === "attemptEnded" || payload.case === "eventGap";
}

const lineFeed = 0x0a;

interface TimedChunk {
  readonly sequence: number;
  readonly time: Timestamp | undefined;
  readonly chunk: LogChunk;
}

/** A line whose line feed has not come yet. */
class OpenLine {
  readonly number: number;
  readonly headless: boolean;
  readonly #stream: LogStream;
  #time: Timestamp | undefined;
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(stream: LogStream, number: number, time: Timestamp | undefined, headless: boolean) {
    this.number = number;
    this.#stream = stream;
    this.#time = time;
    this.headless = headless;
  }

  /** Adds bytes, and answers the pieces that no longer fit. */
  append({ bytes, sequence, time }: { bytes: Uint8Array; sequence: number; time: Timestamp | undefined }): LinePiece[] {
    if (bytes.length > 0) this.#parts.push(bytes);
    this.#length += bytes.length;
    const pieces: LinePiece[] = [];
    while (this.#length > maxPieceBytes) {
      const all = this.#whole();
      const cut = characterStart(all, maxPieceBytes);
      this.#keep(all.subarray(0, cut));
      pieces.push(this.piece({ sequence, partial: true }));
      this.#keep(all.subarray(cut));
      this.#time = time;
    }
    return pieces;
  }

  piece({ sequence, partial }: { sequence: number; partial: boolean }): LinePiece {
    return {
      kind: "line",
      sequence,
      time: this.#time,
      stream: this.#stream,
      number: this.number,
      bytes: this.#whole(),
      partial,
      headless: this.headless,
    };
  }

  #whole(): Uint8Array {
    const [first] = this.#parts;
    return first !== undefined && this.#parts.length === 1 ? first : concatBytes(this.#parts);
  }

  #keep(bytes: Uint8Array): void {
    this.#parts = [bytes];
    this.#length = bytes.length;
  }
}

/** The last offset up to `offset` at which no UTF-8 character is cut; `offset` itself where the bytes are not UTF-8. */
function characterStart(bytes: Uint8Array, offset: number): number {
  for (let at = offset; at > offset - 4 && at > 0; at -= 1) if (((bytes[at] ?? 0) & 0xc0) !== 0x80) return at;
  return offset;
}

function isFinal(state: JobState | undefined): boolean {
  return state !== undefined && state >= JobState.SUCCEEDED;
}
