import { type Item, lastAtOrBefore, type Place, type Run, type Sequence } from "./sequence.ts";

/** A part of the log that is hidden, or that is shown alone. */
export interface Stretch {
  readonly from: Place;
  /** Its last place; it belongs to the stretch. */
  readonly to: Place;
}

/** What of a sequence is shown. Stretches are in order and do not overlap. */
export type Choice =
  | { readonly kind: "without"; readonly stretches: readonly Stretch[] }
  | { readonly kind: "only"; readonly stretches: readonly Stretch[] };

/** The rows of a view from top to bottom, and which item stands in each. */
export class Layout {
  readonly #runs: readonly Run[];
  readonly #rows: readonly number[];
  readonly #placeOf: (item: Item) => Place;
  /** How many rows there are. */
  readonly rowCount: number;

  constructor(sequence: Sequence, runs: readonly Run[]) {
    const rows: number[] = [];
    let row = 0;
    for (const { count } of runs) {
      rows.push(row);
      row += count;
    }
    this.#runs = runs;
    this.#rows = rows;
    this.#placeOf = (item) => sequence.placeOf(item);
    this.rowCount = row;
  }

  /** The item in a row. */
  itemAt(row: number): Item | undefined {
    if (row < 0 || row >= this.rowCount) return undefined;
    const at = lastAtOrBefore(this.#rows.length, (index) => (this.#rows[index] ?? 0) <= row);
    const run = this.#runs[at];
    return run && run.first + (row - (this.#rows[at] ?? 0));
  }

  /** The row of an item, or of the nearest one above when it is hidden; -1 when nothing is above. */
  rowOf(item: Item): number {
    return this.rowOfPlace(this.#placeOf(item));
  }

  /** The row of what stands at a place or nearest above it; -1 when nothing does. */
  rowOfPlace(place: Place): number {
    const at = lastAtOrBefore(this.#runs.length, (index) => this.#placeOf(this.#runs[index]?.first ?? 0) <= place);
    const run = this.#runs[at];
    if (!run) return -1;
    const row = this.#rows[at] ?? 0;
    if (run.first < 0) return row;
    return row + Math.min(run.count - 1, Math.floor((place - this.#placeOf(run.first)) / this.#placeOf(1)));
  }
}

/** Lays out what is chosen of a sequence, and behind it the lines up to the last that are still to come. */
export function layOut(sequence: Sequence, choice: Choice, coming: Run): Layout {
  const runs: Run[] = [];
  const { stretches, kind } = choice;
  let next = 0;
  for (const run of sequence.runs) {
    if (run.first < 0) {
      const place = sequence.placeOf(run.first);
      while ((stretches[next]?.to ?? Number.POSITIVE_INFINITY) < place) next++;
      if ((stretches[next]?.from ?? Number.POSITIVE_INFINITY) <= place === (kind === "only")) runs.push(run);
      continue;
    }
    next = cutLines(sequence, { run, stretches, next, kind }, runs);
  }
  if (coming.count > 0 && kind === "without") runs.push(coming);
  return new Layout(sequence, runs);
}

/** Adds the chosen lines of a run; answers the stretch to go on with. */
function cutLines(
  sequence: Sequence,
  {
    run,
    stretches,
    next: start,
    kind,
  }: { run: Run; stretches: readonly Stretch[]; next: number; kind: Choice["kind"] },
  runs: Run[],
): number {
  const perLine = sequence.placeOf(1);
  const end = run.first + run.count;
  let line = run.first;
  let next = start;
  while (line < end) {
    while ((stretches[next]?.to ?? Number.POSITIVE_INFINITY) < line * perLine) next++;
    const stretch = stretches[next];
    const from = stretch ? Math.min(end, Math.max(line, Math.ceil(stretch.from / perLine))) : end;
    const to = stretch ? Math.min(end, Math.floor(stretch.to / perLine) + 1) : end;
    if (kind === "without" && from > line) runs.push({ first: line, count: from - line });
    if (kind === "only" && to > from) runs.push({ first: from, count: to - from });
    line = Math.max(from, to);
    if (!stretch) break;
  }
  return next;
}
