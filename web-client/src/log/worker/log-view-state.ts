import type { Found, Frame, Look, SearchFacts, Target } from "../log-messages.ts";
import type { LogRow } from "../log-row.ts";
import { type Layout, layOut, type Stretch } from "./layout.ts";
import { linesOfPage } from "./line-page.ts";
import { pageOf } from "./line-store.ts";
import type { LogContent } from "./log-content.ts";
import { readRow } from "./row-reader.ts";
import type { Search } from "./search.ts";
import { type Item, lineOfPlace, placeBehind } from "./sequence.ts";

const tickCount = 400;
/** Up to here each match has its own tick; in longer logs the first and last of a page stand for those between. */
const exactTicks = 5_000;
const linesAround = 2;

/** One view of a log: what it shows of it, and what it searches for. */
export class LogViewState {
  search: Search | undefined;
  isFiltering = false;
  readonly #content: LogContent;
  #layout: Layout | undefined;
  /** Groups that may fold by themselves: those that ended while the end was in view. */
  #mayFold = 0;
  #isNew = true;

  constructor(content: LogContent) {
    this.#content = content;
  }

  /** Says that something changed. */
  outdate(): void {
    this.#layout = undefined;
  }

  /** What the view shows now, and the pages it wants but that are not held. */
  frame(look: Look, version: number): { readonly frame: Frame; readonly missing: ReadonlySet<number> } {
    if (look.atEnd || this.#isNew) this.#letFold();
    this.#isNew = false;
    const layout = this.#layOut();
    const { rowCount } = layout;
    const first = look.atEnd ? Math.max(0, rowCount - look.count) : Math.max(0, Math.min(look.first, rowCount - 1));
    const rows: LogRow[] = [];
    const missing = new Set<number>();
    const reader = { search: this.search, mostCharacters: look.mostCharacters, mayFold: this.#mayFold };
    for (let row = first; row < Math.min(rowCount, first + look.count); row++) {
      const read = readRow(this.#content, layout.itemAt(row) ?? 0, reader);
      if (read.item > 0) this.#content.store.touch(pageOf(read.item));
      if (read.kind === "missing") missing.add(pageOf(read.item));
      rows.push(read);
    }
    const { view, anchor } = look;
    const anchorRow = anchor === 0 ? -1 : layout.rowOf(anchor);
    const frame = {
      view,
      version,
      rowCount,
      first,
      rows,
      anchorRow,
      facts: this.#facts(),
      search: this.#searchFacts(),
    };
    return { frame, missing };
  }

  /** Goes to a target and unfolds what it is in. */
  goTo(target: Target): Omit<Found, "version"> | undefined {
    const item = this.#find(target);
    if (item === undefined) return undefined;
    const { groups, sequence } = this.#content;
    const group = groups.around(sequence.placeOf(item));
    if (group && group.head !== item && groups.isFolded(group, this.#mayFold) && !this.#isFiltered) {
      groups.choose(group.head, false);
      this.outdate();
    }
    const before = item > 0 ? (this.search?.lines.countBefore(item) ?? 0) : 0;
    return { item, row: this.#layOut().rowOf(item), before };
  }

  /** Folds every group, or unfolds them when all are folded. */
  foldAll(): void {
    const { groups } = this.#content;
    const isFolded = groups.all.some((group) => !groups.isFolded(group, this.#mayFold));
    groups.choose("all", isFolded);
  }

  /** Folds move what is below them, so none happens by itself while somebody reads. */
  #letFold(): void {
    const { ended } = this.#content.groups;
    if (ended !== this.#mayFold) this.outdate();
    this.#mayFold = ended;
  }

  get #isFiltered(): boolean {
    return this.isFiltering && this.search !== undefined;
  }

  #layOut(): Layout {
    const { sequence, intake, totalLines, groups } = this.#content;
    const coming = { first: intake.head + 1, count: totalLines - intake.head };
    this.#layout ??= this.#isFiltered
      ? layOut(sequence, { kind: "only", stretches: this.#around() }, coming)
      : layOut(sequence, { kind: "without", stretches: groups.stretches(this.#mayFold) }, coming);
    return this.#layout;
  }

  #find(target: Target): Item | undefined {
    if (target.kind === "line") return Math.min(target.line, this.#content.totalLines) || undefined;
    const { from, step, kind } = target;
    const { groups, sequence, errors } = this.#content;
    const place = sequence.placeOf(from);
    if (kind === "group") return groups.beside(place, step)?.head;
    const line = from > 0 ? from : lineOfPlace(place) + (step < 0 ? 1 : 0);
    if (kind === "match") return this.#besideMatch(line, from, step);
    errors.settle();
    return errors.lines.beside(line, step);
  }

  #besideMatch(line: number, from: Item, step: 1 | -1): Item | undefined {
    if (!this.search) return undefined;
    const { lines, notes } = this.search;
    const { sequence } = this.#content;
    const at = sequence.placeOf(from);
    const places = notes.map((note) => -note - 1);
    const note =
      step > 0
        ? places.find((item) => sequence.placeOf(item) > at)
        : places.findLast((item) => sequence.placeOf(item) < at);
    const found = lines.beside(line, step);
    if (note === undefined || found === undefined) return note ?? found;
    return sequence.placeOf(note) < sequence.placeOf(found) === step > 0 ? note : found;
  }

  /** The lines that match with those around them, and the notes that match. */
  #around(): readonly Stretch[] {
    if (!this.search) return [];
    const { sequence } = this.#content;
    const stretches: { from: number; to: number }[] = [];
    const notes = this.search.notes.map((note) => sequence.placeOf(-note - 1));
    const places = [...[...this.search.lines.lines()].map((line) => sequence.placeOf(line)), ...notes];
    for (const place of places.sort((one, other) => one - other)) {
      const line = lineOfPlace(place);
      const from = sequence.placeOf(Math.max(1, line - linesAround));
      const last = stretches.at(-1);
      const to = Math.max(place, placeBehind(line + linesAround));
      if (last && from <= last.to + 1) last.to = to;
      else stretches.push({ from, to });
    }
    return stretches;
  }

  #facts(): Frame["facts"] {
    const { intake, totalLines, groups, errors, startMs, isOver } = this.#content;
    errors.settle();
    return {
      lines: intake.head,
      totalLines,
      startMs,
      heldFrom: this.#heldFrom(totalLines),
      errors: errors.lines.count,
      groups: groups.all.length,
      foldedGroups: groups.stretches(this.#mayFold).length,
      isOver,
    };
  }

  /** First line of what is held without a hole up to the end. */
  #heldFrom(totalLines: number): number {
    const { intake, store } = this.#content;
    let line = totalLines;
    if (line > intake.head) {
      while (line > 0 && store.get(line)) line--;
      return line === totalLines ? 0 : line + 1;
    }
    let page = pageOf(Math.max(1, line));
    while (page >= 0 && intake.isWhole(page)) page--;
    return page === pageOf(Math.max(1, line)) ? 0 : linesOfPage(page + 1).from;
  }

  #searchFacts(): SearchFacts | undefined {
    const { search, isFiltering } = this;
    if (!search) return undefined;
    return {
      count: search.count,
      isDone: search.isDone,
      failure: search.failure,
      isFiltering,
      ticks: this.#ticks(search),
    };
  }

  #ticks(search: Search): Uint8Array {
    const ticks = new Uint8Array(tickCount);
    const layout = this.#layOut();
    const tickOf = (item: Item) => Math.floor((layout.rowOf(item) * tickCount) / Math.max(1, layout.rowCount));
    if (search.count <= exactTicks) {
      for (const line of search.lines.lines()) ticks[tickOf(line)] = 1;
      for (const note of search.notes) ticks[tickOf(-note - 1)] = 1;
    } else {
      for (const [first, last] of search.lines.spans()) ticks.fill(1, tickOf(first), tickOf(last) + 1);
    }
    return ticks;
  }
}
