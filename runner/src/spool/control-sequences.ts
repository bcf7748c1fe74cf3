/** The byte that every control sequence begins with. */
export const escapeByte = 0x1b;

/** A stretch of text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Text as it is read on a terminal, without the sequences that colour it or move the cursor. */
export class BareText {
  readonly bytes: Uint8Array;
  readonly #source: Uint8Array;
  /** Where what was kept in one piece begins, in the bare text and in the source. */
  readonly #stretches: { readonly begin: number; readonly start: number }[] = [];

  constructor(source: Uint8Array) {
    this.#source = source;
    const bytes = new Uint8Array(source.length);
    let length = 0;
    for (let start = 0; start < source.length; ) {
      const found = source.indexOf(escapeByte, start);
      const end = found < 0 ? source.length : found;
      if (start < end) this.#stretches.push({ begin: length, start });
      // Most are so short that a call takes longer.
      for (let at = start; at < end; at += 1, length += 1) bytes[length] = source[at] ?? 0;
      start = found < 0 ? end : sequenceEnd(source, found);
    }
    this.bytes = bytes.subarray(0, length);
  }

  /** Where a byte of the bare text stands in its source; behind its last byte, where the source ends. */
  place(at: number): number {
    if (at >= this.bytes.length) return this.#source.length;
    const { begin, start } = this.#stretches[this.#stretchAt(at)] ?? { begin: 0, start: 0 };
    return start + at - begin;
  }

  /** What a part of the bare text is in its source, without the sequences in it. */
  spans({ start, end }: Span): readonly Span[] {
    const spans: Span[] = [];
    for (let at = start, stretch = this.#stretchAt(start); at < end; stretch += 1) {
      const next = Math.min(end, this.#stretches[stretch + 1]?.begin ?? end);
      const from = this.place(at);
      spans.push({ start: from, end: from + next - at });
      at = next;
    }
    return spans;
  }

  /** Which stretch holds a byte of the bare text. */
  #stretchAt(at: number): number {
    let low = 0;
    for (let high = this.#stretches.length - 1; low < high; ) {
      const middle = (low + high + 1) >> 1;
      if ((this.#stretches[middle]?.begin ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Where the sequence that begins at an escape ends; the text's end when it is not complete. */
function sequenceEnd(text: Uint8Array, begin: number): number {
  const kind = text[begin + 1];
  if (kind === openBracket) return behindFinal(text, skip(text, skip(text, begin + 2, 0x30, 0x3f), 0x20, 0x2f));
  if (kind !== undefined && stringKinds.has(kind)) return stringEnd(text, begin);
  return behindFinal(text, skip(text, begin + 1, 0x20, 0x2f));
}

/** Behind the bytes of a range. */
function skip(text: Uint8Array, from: number, low: number, high: number): number {
  let at = from;
  for (let byte = text[at]; byte !== undefined && byte >= low && byte <= high; byte = text[at]) at += 1;
  return at;
}

/** Behind the last byte of a sequence, or where something else broke it off. */
function behindFinal(text: Uint8Array, at: number): number {
  const byte = text[at] ?? 0;
  return byte >= 0x30 && byte <= 0x7e ? at + 1 : at;
}

/** A title, a link and the like end with a bell or ESC \. One that is too long is none, but for its escape. */
function stringEnd(text: Uint8Array, begin: number): number {
  const limit = Math.min(text.length, begin + maxStringBytes);
  for (let at = begin + 2; at < limit; at += 1) {
    if (text[at] === bell) return at + 1;
    if (text[at] === escapeByte) return text[at + 1] === backslash ? at + 2 : at;
  }
  return limit === text.length ? limit : begin + 1;
}

const maxStringBytes = 4096;
const bell = 0x07;
const openBracket = 0x5b;
const backslash = 0x5c;
/** ESC ] P X ^ _ begin strings. */
const stringKinds: ReadonlySet<number> = new Set([0x5d, 0x50, 0x58, 0x5e, 0x5f]);
