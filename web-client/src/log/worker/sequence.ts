/** A line by its number, or a note by its negative place: -1 is the first. */
export type Item = number;

/**
 * Where an item stands in the log, as one number to compare: lines by their number, and after each the notes that came
 * before the next line.
 */
export type Place = number;

const notesPerLine = 2 ** 20;

/** A run of items: lines one after another, or one note. */
export interface Run {
  readonly first: Item;
  readonly count: number;
}

/** What is shown of a log and in which order: its lines but those drawn over, and the notes between them. */
export class Sequence {
  readonly #runs: Run[] = [];
  /** For each note, the line it stands behind. */
  readonly #after: number[] = [];

  /** The runs in order. */
  get runs(): readonly Run[] {
    return this.#runs;
  }

  /** Adds a line, at the end as a rule. */
  addLine(line: number): void {
    const last = this.#runs.at(-1);
    if (last && last.first > 0 && last.first + last.count === line) {
      this.#runs[this.#runs.length - 1] = { first: last.first, count: last.count + 1 };
    } else if (!last || this.placeOf(lastOf(last)) < line * notesPerLine) {
      this.#runs.push({ first: line, count: 1 });
    } else if (!this.has(line)) {
      this.#runs.splice(this.#runIndex(line * notesPerLine) + 1, 0, { first: line, count: 1 });
    }
  }

  /** Adds the next note behind a line, and behind everything else. */
  addNote(afterLine: number): Item {
    this.#after.push(afterLine);
    const item = -this.#after.length;
    this.#runs.push({ first: item, count: 1 });
    return item;
  }

  /** Takes a line out: what it wrote stands in another one. */
  removeLine(line: number): void {
    const at = this.#runIndex(line * notesPerLine);
    const run = this.#runs[at];
    if (!run || run.first < 0 || line >= run.first + run.count) return;
    const before = { first: run.first, count: line - run.first };
    const behind = { first: line + 1, count: run.first + run.count - line - 1 };
    this.#runs.splice(at, 1, ...[before, behind].filter(({ count }) => count > 0));
  }

  /** True when the line is shown. */
  has(line: number): boolean {
    const run = this.#runs[this.#runIndex(line * notesPerLine)];
    return run !== undefined && run.first > 0 && line < run.first + run.count;
  }

  /** Where an item stands. */
  placeOf(item: Item): Place {
    return item > 0 ? item * notesPerLine : (this.#after[-item - 1] ?? 0) * notesPerLine - item;
  }

  /** The last run that begins at or before a place; -1 when none does. */
  #runIndex(place: Place): number {
    return lastAtOrBefore(this.#runs.length, (at) => this.placeOf(this.#runs[at]?.first ?? 0) <= place);
  }
}

function lastOf({ first, count }: Run): Item {
  return first > 0 ? first + count - 1 : first;
}

/** The line that a place stands at or behind. */
export function lineOfPlace(place: Place): number {
  return Math.floor(place / notesPerLine);
}

/** The place behind a line and all of its notes. */
export function placeBehind(line: number): Place {
  return (line + 1) * notesPerLine - 1;
}

/** The last index below a count for which a test holds, given that it holds for none after the first that fails. */
export function lastAtOrBefore(count: number, holds: (index: number) => boolean): number {
  let low = -1;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
