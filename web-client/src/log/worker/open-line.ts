import { concatBytes } from "#protocol/bytes.ts";
import { drawsOver } from "#protocol/terminal-line.ts";
import { type AnsiStyle, plainStyle, styleSequence } from "./ansi-style.ts";
import { readLine } from "./line-spans.ts";

/** Most bytes of a line that are held; the rest is counted, and is in the download. */
const maxLineBytes = 65_536;

/** A line whose end has not come yet. */
export class OpenLine {
  readonly number: number;
  readonly timeMs: number;
  readonly style: AnsiStyle;
  #parts: Uint8Array[] = [];
  #length = 0;
  #cutBytes = 0;

  constructor(number: number, timeMs: number, style: AnsiStyle) {
    this.number = number;
    this.timeMs = timeMs;
    this.style = style;
  }

  /** What there is of it. */
  get bytes(): Uint8Array {
    if (this.#parts.length !== 1) this.#parts = [concatBytes(this.#parts)];
    return this.#parts[0] ?? new Uint8Array(0);
  }

  /** Bytes of it that are not held. */
  get cutBytes(): number {
    return this.#cutBytes;
  }

  append(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    if (this.#length > 2 * maxLineBytes) this.shorten();
  }

  /** Keeps no more than a line may have: the last state of one that draws over itself, the beginning of others. */
  shorten(): void {
    if (this.#length <= maxLineBytes) return;
    const text = new TextDecoder().decode(this.bytes);
    if (drawsOver(text)) this.#keep(new TextEncoder().encode(drawnText(text, this.style)));
    if (this.#length <= maxLineBytes) return;
    this.#cutBytes += this.#length - maxLineBytes;
    this.#keep(this.bytes.slice(0, maxLineBytes));
  }

  #keep(bytes: Uint8Array): void {
    this.#parts = [bytes];
    this.#length = bytes.length;
  }
}

/** What a line shows in the end, as a line that draws over nothing, with its cursor at its end. */
function drawnText(text: string, start: AnsiStyle): string {
  const { runs, end } = readLine(text, start);
  const drawn = runs
    .map((run) => (run.style === plainStyle ? "\x1b[0m" : styleSequence(run.style)) + run.text)
    .join("");
  return `${drawn}${styleSequence(end)}`;
}
