import { type AnsiStyle, plainStyle } from "./ansi-style.ts";

/** Lines that are held, found missing, asked for and dropped together. */
export const linesPerPage = 1_024;

/** First and last line of a page. */
export function linesOfPage(page: number): { readonly from: number; readonly to: number } {
  return { from: page * linesPerPage + 1, to: (page + 1) * linesPerPage };
}

/** A line to hold. */
export interface HeldLine {
  readonly bytes: Uint8Array;
  readonly isError: boolean;
  readonly timeMs: number;
  /** The style it begins in. */
  readonly style: AnsiStyle;
  /** Bytes of it that are not held. */
  readonly cutBytes: number;
}

const isHere = 1;
const isErrorLine = 2;
const neverComes = 4;

/** The lines of one page, side by side in one buffer. */
export class LinePage {
  /** Number of its first line. */
  readonly first: number;
  /** When it was last written or shown; the page that was not for longest goes first. */
  usedAt = 0;
  readonly #starts = new Uint32Array(linesPerPage);
  readonly #lengths = new Uint32Array(linesPerPage);
  readonly #times = new Float64Array(linesPerPage);
  readonly #flags = new Uint8Array(linesPerPage);
  readonly #styles = new Map<number, AnsiStyle>();
  readonly #cutBytes = new Map<number, number>();
  #bytes = new Uint8Array(16_384);
  #used = 0;
  #wasted = 0;
  #settled = 0;
  #held = 0;

  constructor(first: number) {
    this.first = first;
  }

  /** Memory that its text takes. */
  get size(): number {
    return this.#bytes.length;
  }

  /** Lines it holds. */
  get held(): number {
    return this.#held;
  }

  /** Lines that are here or will never come, counted from its first. */
  get settled(): number {
    return this.#settled;
  }

  has(number: number): boolean {
    return this.#flag(number, isHere);
  }

  /** True when a line is not here and will not come. */
  isAbsent(number: number): boolean {
    return this.#flag(number, neverComes);
  }

  get(number: number): HeldLine | undefined {
    if (!this.has(number)) return undefined;
    const at = number - this.first;
    const start = this.#starts[at] ?? 0;
    return {
      bytes: this.#bytes.subarray(start, start + (this.#lengths[at] ?? 0)),
      isError: this.#flag(number, isErrorLine),
      timeMs: this.timeOf(number),
      style: this.#styles.get(at) ?? plainStyle,
      cutBytes: this.#cutBytes.get(at) ?? 0,
    };
  }

  /** When a line was written; 0 when that is not known. */
  timeOf(number: number): number {
    return this.#times[number - this.first] ?? 0;
  }

  put(number: number, { bytes, isError, timeMs, style, cutBytes }: HeldLine): void {
    const at = number - this.first;
    if (this.#settle(number)) this.#held++;
    else this.#wasted += this.#lengths[at] ?? 0;
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#used);
    this.#starts[at] = this.#used;
    this.#lengths[at] = bytes.length;
    this.#times[at] = timeMs;
    this.#flags[at] = isHere | (isError ? isErrorLine : 0);
    this.#used += bytes.length;
    if (style === plainStyle) this.#styles.delete(at);
    else this.#styles.set(at, style);
    if (cutBytes > 0) this.#cutBytes.set(at, cutBytes);
    if (this.#held === linesPerPage) this.#trim();
  }

  /** Says that a line will not come, so that nobody asks for it. */
  markAbsent(number: number): void {
    if (!this.#settle(number)) return;
    this.#flags[number - this.first] = neverComes;
  }

  /** Its lines as they were written, in order. */
  *texts(): Generator<{ readonly number: number; readonly text: string; readonly isError: boolean }> {
    const decoder = new TextDecoder();
    const whole = decoder.decode(this.#bytes.subarray(0, this.#used));
    // As long as each byte is a character of its own, lines are cut out of one text: many times faster.
    const isPlain = whole.length === this.#used;
    for (let at = 0; at < linesPerPage; at++) {
      const flags = this.#flags[at] ?? 0;
      if ((flags & isHere) === 0) continue;
      const start = this.#starts[at] ?? 0;
      const end = start + (this.#lengths[at] ?? 0);
      const text = isPlain ? whole.slice(start, end) : decoder.decode(this.#bytes.subarray(start, end));
      yield { number: this.first + at, text, isError: (flags & isErrorLine) !== 0 };
    }
  }

  #flag(number: number, flag: number): boolean {
    return ((this.#flags[number - this.first] ?? 0) & flag) !== 0;
  }

  /** True when nothing was known of the line until now. */
  #settle(number: number): boolean {
    const isNew = this.#flags[number - this.first] === 0;
    if (isNew) this.#settled++;
    return isNew;
  }

  #reserve(length: number): void {
    if (this.#wasted > 65_536 && this.#wasted > this.#used / 2) this.#compact();
    if (this.#used + length <= this.#bytes.length) return;
    this.#resize(Math.max(this.#bytes.length * 2, this.#used + length));
  }

  #trim(): void {
    if (this.#used < this.#bytes.length) this.#resize(this.#used);
  }

  #resize(size: number): void {
    const bytes = new Uint8Array(size);
    bytes.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = bytes;
  }

  /** Leaves out what was written over. */
  #compact(): void {
    const kept = new Uint8Array(this.#bytes.length);
    let used = 0;
    for (let at = 0; at < linesPerPage; at++) {
      if (((this.#flags[at] ?? 0) & isHere) === 0) continue;
      const start = this.#starts[at] ?? 0;
      kept.set(this.#bytes.subarray(start, start + (this.#lengths[at] ?? 0)), used);
      this.#starts[at] = used;
      used += this.#lengths[at] ?? 0;
    }
    this.#bytes = kept;
    this.#used = used;
    this.#wasted = 0;
  }
}
