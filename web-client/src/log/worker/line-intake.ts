import { terminalTokens } from "#protocol/terminal-line.ts";
import { type AnsiStyle, plainStyle, withLink } from "./ansi-style.ts";
import { linesOfPage } from "./line-page.ts";
import { styleAfter } from "./line-spans.ts";
import { type LineStore, pageOf } from "./line-store.ts";
import { OpenLine } from "./open-line.ts";
import { movesLines, Screen, untilLineMove } from "./screen.ts";
import type { Sequence } from "./sequence.ts";

/** A run of output bytes, as the stream brings them. */
export interface Output {
  readonly isError: boolean;
  readonly firstLine: number;
  readonly timeMs: number;
  readonly data: Uint8Array;
}

/** A line that just ended. */
export interface EndedLine {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly timeMs: number;
}

/** A line with its text. */
export interface ReadLine {
  readonly number: number;
  readonly text: string;
  readonly isError: boolean;
  readonly timeMs: number;
  readonly style: AnsiStyle;
  readonly cutBytes: number;
}

/** Makes lines out of output: numbers, times and styles them, and puts what is drawn over in its place. */
export class LineIntake {
  readonly #store: LineStore;
  readonly #sequence: Sequence;
  readonly #onEnd: (line: EndedLine) => void;
  readonly #streams = { output: newStream(), errors: newStream() };
  /** Lines that were cut out of the log, whose numbers nobody has. */
  readonly #skipped: { readonly from: number; readonly to: number }[] = [];
  /** Pages that were written to since they were last asked for. */
  #changed = new Set<number>();
  #head = 0;

  constructor(store: LineStore, sequence: Sequence, onEnd: (line: EndedLine) => void) {
    this.#store = store;
    this.#sequence = sequence;
    this.#onEnd = onEnd;
  }

  /** Number of the last line that began. */
  get head(): number {
    return this.#head;
  }

  /** The pages that were written to since this was last asked. */
  takeChanged(): ReadonlySet<number> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  /** A line as far as it was written, if it is held. */
  line(number: number): ReadLine | undefined {
    for (const { open, isError } of this.#openLines()) {
      if (open.number !== number) continue;
      const { timeMs, style, cutBytes } = open;
      return { number, text: untilLineMove(decoder.decode(open.bytes)), isError, timeMs, style, cutBytes };
    }
    const held = this.#store.get(number);
    return held && { ...held, number, text: decoder.decode(held.bytes) };
  }

  /** True when nothing is missing of a page that is here or will ever come. */
  isWhole(page: number): boolean {
    const { from, to } = linesOfPage(page);
    const last = Math.min(to, this.#head);
    const skipped = this.#skipped.reduce((sum, cut) => sum + overlap(cut, { from, to: last }), 0);
    const open = this.#openLines().filter(({ open: { number } }) => pageOf(number) === page).length;
    return (this.#store.page(page)?.settled ?? 0) + skipped + open >= last - from + 1;
  }

  /** The lines of a page as they were written, in order. */
  *texts(page: number): Generator<{ readonly number: number; readonly text: string; readonly isError: boolean }> {
    yield* this.#store.page(page)?.texts() ?? [];
    for (const { open } of this.#openLines()) {
      const line = pageOf(open.number) === page ? this.line(open.number) : undefined;
      if (line) yield line;
    }
  }

  take({ isError, firstLine, timeMs, data }: Output): void {
    const stream = isError ? this.#streams.errors : this.#streams.output;
    for (let start = 0, number = firstLine; start < data.length; number++) {
      const feed = data.indexOf(lineFeed, start);
      const bytes = data.subarray(start, feed < 0 ? data.length : feed);
      if (!stream.open) this.#begin(stream, number);
      if (feed >= 0 && !stream.open && bytes.length <= maxWholeBytes) {
        this.#end(stream, { isError, line: { number, bytes, timeMs, cutBytes: 0, style: stream.style } });
      } else {
        stream.open ??= new OpenLine(number, timeMs, stream.style);
        // What waits for its end must not hold on to the chunk it came in.
        stream.open.append(bytes.slice());
        this.#changed.add(pageOf(stream.open.number));
        if (feed >= 0) this.#endOpen(stream, isError);
      }
      if (feed < 0) return;
      start = feed + 1;
    }
  }

  /** Says that output is missing here, or that it is over: unfinished lines stay as they are. */
  cut(which: "output" | "errors" | "both"): void {
    if (which !== "errors") this.#endOpen(this.#streams.output, false);
    if (which !== "output") this.#endOpen(this.#streams.errors, true);
  }

  #openLines(): readonly { readonly open: OpenLine; readonly isError: boolean }[] {
    const { output, errors } = this.#streams;
    return [
      ...(output.open ? [{ open: output.open, isError: false }] : []),
      ...(errors.open ? [{ open: errors.open, isError: true }] : []),
    ];
  }

  #begin(stream: Stream, number: number): void {
    if (number > this.#head + 1) this.#skipped.push({ from: this.#head + 1, to: number - 1 });
    this.#head = Math.max(this.#head, number);
    // One that goes on above the last row may never have a row of its own.
    if (stream.screen.isAtEnd) this.#sequence.addLine(number);
  }

  #endOpen(stream: Stream, isError: boolean): void {
    const { open } = stream;
    if (!open) return;
    open.shorten();
    stream.open = undefined;
    this.#end(stream, { isError, line: open });
  }

  #end(stream: Stream, { isError, line }: { readonly isError: boolean; readonly line: Line }): void {
    const { number, bytes, timeMs, cutBytes } = line;
    this.#changed.add(pageOf(number));
    const hasEscape = bytes.includes(escapeByte);
    const text = hasEscape ? decoder.decode(bytes) : "";
    if (stream.screen.isAtEnd && !(hasEscape && movesLines(text))) {
      this.#store.put(number, { bytes, isError, timeMs, style: stream.style, cutBytes });
      stream.screen.push(number);
      if (hasEscape) stream.style = endStyle(text, stream.style);
    } else {
      this.#draw(stream, { isError, line: { number, timeMs, text: text || decoder.decode(bytes) } });
    }
    this.#onEnd({ number, bytes, timeMs });
  }

  #draw(
    stream: Stream,
    { isError, line }: { readonly isError: boolean; readonly line: { number: number; timeMs: number; text: string } },
  ): void {
    const { changed, end } = stream.screen.draw(line.number, { text: line.text, style: stream.style }, (owner) => {
      const held = this.#store.get(owner);
      return { text: decoder.decode(held?.bytes), style: held?.style ?? plainStyle };
    });
    stream.style = end;
    for (const [owner, text] of changed) {
      const timeMs = owner === line.number ? line.timeMs : this.#store.timeOf(owner);
      this.#store.put(owner, {
        bytes: new TextEncoder().encode(text),
        isError,
        timeMs,
        style: plainStyle,
        cutBytes: 0,
      });
      this.#changed.add(pageOf(owner));
    }
    if (changed.has(line.number)) this.#sequence.addLine(line.number);
    else {
      this.#store.markAbsent(line.number);
      this.#sequence.removeLine(line.number);
    }
  }
}

type Line = Pick<OpenLine, "number" | "bytes" | "timeMs" | "cutBytes" | "style">;

interface Stream {
  readonly screen: Screen;
  style: AnsiStyle;
  open: OpenLine | undefined;
}

function newStream(): Stream {
  return { screen: new Screen(), style: plainStyle, open: undefined };
}

function overlap(one: { from: number; to: number }, other: { from: number; to: number }): number {
  return Math.max(0, Math.min(one.to, other.to) - Math.max(one.from, other.from) + 1);
}

const decoder = new TextDecoder();
const lineFeed = 0x0a;
const escapeByte = 0x1b;
/** A line that comes whole and is no longer than this is held as it is. */
const maxWholeBytes = 65_536;

// Most lines that are coloured end with this, and then nothing carries on.
// biome-ignore lint/suspicious/noControlCharactersInRegex: this is what is looked for
const endsPlain = /\x1b\[0?m[^\x1b]*$/;

function endStyle(text: string, start: AnsiStyle): AnsiStyle {
  if (endsPlain.test(text)) return plainStyle;
  let style = start;
  for (const token of terminalTokens(text)) style = styleAfter(style, token);
  return style.link === undefined ? style : withLink(style, undefined);
}
