import { visibleText } from "#protocol/terminal-line.ts";
import type { LogQuery } from "../log-query.ts";
import { byPage, LineIndex } from "./line-index.ts";
import type { LineIntake } from "./line-intake.ts";
import { linesOfPage } from "./line-page.ts";
import type { Hit } from "./line-spans.ts";
import { pageOf } from "./line-store.ts";
import type { Sequence } from "./sequence.ts";

/** What a search looks through, and whom it asks for lines that are not here. */
export interface Searched {
  readonly intake: LineIntake;
  readonly sequence: Sequence;
  readonly textOfNote: (note: number) => string;
  /** Numbers of the lines that match, of those that are not held. */
  readonly findFar: (query: LogQuery, range: { from: number; to: number }) => Promise<readonly number[]>;
}

/** True for texts that are looked for. */
export type Match = (text: string) => boolean;

/** A search over the whole log, done in slices; it goes on while the log grows. Counted are lines and notes that match. */
export class Search {
  readonly query: LogQuery;
  readonly lines = new LineIndex();
  /** Places among the notes of those that match, in order. */
  readonly notes: number[] = [];
  /** Why part of the log could not be searched. */
  failure = "";
  readonly #match: Match;
  readonly #in: Searched;
  readonly #waiting = new Set<number>();
  #searchedNotes = 0;
  #asking = 0;
  #knownPages = 0;

  constructor(query: LogQuery, match: Match, searched: Searched) {
    this.query = query;
    this.#match = match;
    this.#in = searched;
  }

  /** Lines and notes that match, so far. */
  get count(): number {
    return this.lines.count + this.notes.length;
  }

  /** True when everything there is was searched. */
  get isDone(): boolean {
    return this.#waiting.size === 0 && this.#asking === 0;
  }

  /** True when there is something to search here and now. */
  get hasWork(): boolean {
    return this.#waiting.size > 0;
  }

  /** Says that the log has grown, and which pages changed: they are searched again. */
  grow(changed: Iterable<number>): void {
    const { head } = this.#in.intake;
    const pages = head > 0 ? pageOf(head) + 1 : 0;
    for (; this.#knownPages < pages; this.#knownPages++) this.#waiting.add(this.#knownPages);
    for (const page of changed) this.#waiting.add(page);
  }

  /** Searches for some milliseconds; what is not held is asked for. */
  step(budgetMs: number, notes: number): void {
    for (; this.#searchedNotes < notes; this.#searchedNotes++) {
      if (this.#match(this.#in.textOfNote(this.#searchedNotes))) this.notes.push(this.#searchedNotes);
    }
    const until = performance.now() + budgetMs;
    for (const page of this.#waiting) {
      if (this.#in.intake.isWhole(page)) {
        this.#waiting.delete(page);
        this.lines.setPage(page, this.#searchPage(page));
      } else this.#askFrom(page);
      if (performance.now() >= until) return;
    }
  }

  /** Where the text looked for stands in a line that is shown. Expressions tell only whether they match. */
  hits(text: string): readonly Hit[] {
    const { text: search, isExpression, matchCase } = this.query;
    if (isExpression) return [];
    const [inside, wanted] = matchCase ? [text, search] : [text.toLowerCase(), search.toLowerCase()];
    // Lower case can have another length; then the places would be wrong.
    if (inside.length !== text.length) return [];
    const hits: Hit[] = [];
    for (
      let at = inside.indexOf(wanted);
      at >= 0 && hits.length < 1_000;
      at = inside.indexOf(wanted, at + wanted.length)
    ) {
      hits.push({ from: at, to: at + wanted.length });
    }
    return hits;
  }

  #searchPage(page: number): readonly number[] {
    const found: number[] = [];
    for (const { number, text } of this.#in.intake.texts(page)) {
      if (this.#match(visibleText(text)) && this.#in.sequence.has(number)) found.push(number);
    }
    return found.sort((one, other) => one - other);
  }

  /** Asks for a page and those behind it that are not held either. */
  #askFrom(page: number): void {
    let last = page;
    while (this.#waiting.has(last + 1) && !this.#in.intake.isWhole(last + 1)) last++;
    for (let at = page; at <= last; at++) this.#waiting.delete(at);
    const range = { from: linesOfPage(page).from, to: Math.min(this.#in.intake.head, linesOfPage(last).to) };
    this.#asking++;
    void this.#ask(range);
  }

  async #ask(range: { from: number; to: number }): Promise<void> {
    try {
      const numbers = await this.#in.findFar(this.query, range);
      for (const [page, found] of byPage(numbers.filter((number) => this.#in.sequence.has(number)))) {
        this.lines.setPage(page, found);
      }
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    } finally {
      this.#asking--;
    }
  }
}
