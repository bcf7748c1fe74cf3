import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type JobEvent, type LogChunk, type LogGap, LogStream } from "#gen/job/v1/job_event_pb.js";
import { type AnsiStyle, plainStyle, readAnsi } from "./ansi.ts";

/** A row of the log: a line of output, or a note about it in its place. */
export type LogRow = LineRow | NoteRow;

/** A line of output. The last one of a stream may still grow. */
export interface LineRow {
  readonly kind: "line";
  readonly number: number;
  readonly isError: boolean;
  readonly timeMs: number;
  readonly text: string;
  /** The style the line begins in, carried over from the line before. */
  readonly style: AnsiStyle;
}

/** What happened around the output: a gap, a signal, a phase. */
export interface NoteRow {
  readonly kind: "note";
  readonly tone: "quiet" | "warn";
  readonly text: string;
}

/** Limits of what is held; the oldest rows go first, and dropped says how many went. */
export interface LogLimits {
  readonly rows: number;
  readonly characters: number;
}

const defaultLimits: LogLimits = { rows: 50_000, characters: 32 * 1024 * 1024 };
/** Characters of one line that are held; more is counted by nobody but the download. */
const maxLineCharacters = 65_536;

/** The newest rows of a job's log, built from its events. */
export class LogBuffer {
  readonly #rows: LogRow[] = [];
  readonly #streams = new Map<LogStream, StreamReader>();
  readonly #limits: LogLimits;
  #characters = 0;
  #dropped = 0;
  #bytes = 0;
  #lines = 0;

  constructor(limits: LogLimits = defaultLimits) {
    this.#limits = limits;
  }

  /** The rows held, oldest first. */
  get rows(): readonly LogRow[] {
    return this.#rows;
  }

  /** Rows that were held once and had to go. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Output that went through here, whether it is still held or not. */
  get totals(): { readonly lines: number; readonly bytes: number } {
    return { lines: this.#lines, bytes: this.#bytes };
  }

  /** Takes an event of the job; those that are not output change nothing. */
  take(event: JobEvent): void {
    if (event.payload.case === "log") {
      this.#append(event.payload.value, event.time ? timestampMs(event.time) : 0);
    } else if (event.payload.case === "logGap") {
      this.note(gapText(event.payload.value), "warn");
      this.#streams.delete(event.payload.value.stream);
    }
  }

  /** Adds a note after what is there. */
  note(text: string, tone: NoteRow["tone"] = "quiet"): void {
    this.#push({ kind: "note", tone, text });
  }

  #append(chunk: LogChunk, timeMs: number): void {
    const reader = this.#streams.get(chunk.stream) ?? {
      decoder: new TextDecoder(),
      style: plainStyle,
      open: undefined,
    };
    this.#streams.set(chunk.stream, reader);
    this.#bytes += chunk.data.length;
    const lines = reader.decoder.decode(chunk.data, { stream: true }).split("\n");
    lines.forEach((text, index) => {
      const endsHere = index < lines.length - 1;
      if (reader.open !== undefined) this.#extend(reader, text);
      else if (endsHere || text) this.#begin(reader, { chunk, number: chunk.firstLine + index, text, timeMs });
      if (endsHere) this.#end(reader);
    });
  }

  #begin(reader: StreamReader, line: { chunk: LogChunk; number: number; text: string; timeMs: number }): void {
    reader.open = this.#dropped + this.#rows.length;
    this.#lines = Math.max(this.#lines, line.number);
    this.#push({
      kind: "line",
      number: line.number,
      isError: line.chunk.stream === LogStream.STDERR,
      timeMs: line.timeMs,
      text: line.text.slice(0, maxLineCharacters),
      style: reader.style,
    });
  }

  #extend(reader: StreamReader, text: string): void {
    const at = (reader.open ?? 0) - this.#dropped;
    const row = this.#rows[at];
    if (row?.kind !== "line" || row.text.length >= maxLineCharacters) return;
    this.#rows[at] = { ...row, text: (row.text + text).slice(0, maxLineCharacters) };
    this.#characters += text.length;
  }

  #end(reader: StreamReader): void {
    const row = this.#rows[(reader.open ?? 0) - this.#dropped];
    if (row?.kind === "line" && row.text.includes("\x1b")) reader.style = readAnsi(row.text, row.style).end;
    reader.open = undefined;
  }

  #push(row: LogRow): void {
    this.#rows.push(row);
    this.#characters += row.text.length;
    // Removing from the front moves everything behind it, so a good piece goes at once.
    const { rows, characters } = this.#limits;
    if (this.#rows.length > rows * 1.1 || this.#characters > characters * 1.1) this.#dropOldest();
  }

  #dropOldest(): void {
    const { rows, characters } = this.#limits;
    let count = 0;
    while (count < this.#rows.length - 1 && (this.#rows.length - count > rows || this.#characters > characters)) {
      this.#characters -= this.#rows[count]?.text.length ?? 0;
      count++;
    }
    this.#rows.splice(0, count);
    this.#dropped += count;
  }
}

interface StreamReader {
  readonly decoder: TextDecoder;
  style: AnsiStyle;
  /** Index, counted from the first row ever, of the line that has no end yet. */
  open: number | undefined;
}

function gapText(gap: LogGap): string {
  const bytes = Number(gap.toOffset - gap.fromOffset).toLocaleString("en");
  const lines = gap.lines > 0 ? `${gap.lines.toLocaleString("en")} lines, ` : "";
  const stream = gap.stream === LogStream.STDERR ? "standard error" : "standard output";
  return `… ${lines}${bytes} bytes of ${stream} not kept by the runner`;
}
