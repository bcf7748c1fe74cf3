/**
 * Finds many byte strings in one pass that looks at few of the bytes: Wu and Manber's algorithm with blocks of two bytes. Long
 * ones may be broken into lines.
 */
export class NeedleSearch {
  /** Length of the longest needle. */
  readonly longest: number;
  /** How many bytes at the front of each needle the pass looks for. */
  readonly #width: number;
  /** By the last two bytes of the place looked at: how far the next place can be, 0 when a needle's front may end here. */
  readonly #shifts: Uint8Array;
  /** Needles by the last two bytes of their front, and by their first two. */
  readonly #byFrontEnd = new Map<number, Uint8Array[]>();
  readonly #byStart = new Map<number, Uint8Array[]>();
  /** 1 for the first two bytes of needles. */
  readonly #starts = new Uint8Array(1 << 16);
  readonly #firstBytes = new Set<number>();

  /** There is at least one needle, and each is at least two bytes long. */
  constructor(needles: readonly Uint8Array[]) {
    const lengths = needles.map(({ length }) => length);
    this.longest = Math.max(...lengths);
    this.#width = Math.min(minLineBytes, ...lengths);
    this.#shifts = new Uint8Array(1 << 16).fill(this.#width - 1);
    for (const needle of needles) this.#add(needle);
  }

  /** Hands on where each occurrence begins and ends, the earliest first. */
  find(text: Uint8Array, found: (start: number, end: number) => void): void {
    const shifts = this.#shifts;
    const width = this.#width;
    for (let end = width; end <= text.length; ) {
      const block = blockAt(text, end - 2);
      const shift = shifts[block] ?? 0;
      if (shift === 0) this.#verify(text, end - width, block, found);
      end += shift || 1;
    }
  }

  /** Where the longest end of the text begins that is the beginning, and not the whole, of a needle; its length if none. */
  openEnd(text: Uint8Array): number {
    const last = text.length - 1;
    for (let start = Math.max(0, last - this.longest * 2); start < last; start += 1) {
      const block = blockAt(text, start);
      if (this.#starts[block] !== 1) continue;
      for (const needle of this.#byStart.get(block) ?? []) if (endOf(needle, text, start) === "cut") return start;
    }
    return last >= 0 && this.#firstBytes.has(text[last] ?? 0) ? last : text.length;
  }

  #add(needle: Uint8Array): void {
    const last = this.#width - 2;
    for (let at = 0; at <= last; at += 1) {
      const block = blockAt(needle, at);
      this.#shifts[block] = Math.min(this.#shifts[block] ?? 0, last - at);
    }
    addTo(this.#byFrontEnd, blockAt(needle, last), needle);
    addTo(this.#byStart, blockAt(needle, 0), needle);
    this.#starts[blockAt(needle, 0)] = 1;
    this.#firstBytes.add(needle[0] ?? 0);
  }

  #verify(text: Uint8Array, start: number, block: number, found: (start: number, end: number) => void): void {
    for (const needle of this.#byFrontEnd.get(block) ?? []) {
      const end = endOf(needle, text, start);
      if (typeof end === "number") found(start, end);
    }
  }
}

/** Bytes of a needle that stand in one line before it may go on in the next: programs that break lines have longer ones. */
export const minLineBytes = 16;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

function blockAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** Where the needle that begins at `start` ends; "other" when there is none, "cut" when the text ends before one can tell. */
function endOf(needle: Uint8Array, text: Uint8Array, start: number): number | "other" | "cut" {
  let at = start;
  for (let index = 0, line = 0; index < needle.length; index += 1, at += 1) {
    if (text[at] === needle[index]) continue;
    if (index - line >= minLineBytes) {
      line = index;
      if (text[at] === carriageReturn) at += 1;
      if (text[at] === lineFeed) at += 1;
      if (text[at] === needle[index]) continue;
    }
    return at < text.length ? "other" : "cut";
  }
  return at;
}

function addTo(map: Map<number, Uint8Array[]>, key: number, needle: Uint8Array): void {
  const others = map.get(key);
  if (others === undefined) map.set(key, [needle]);
  else others.push(needle);
}
