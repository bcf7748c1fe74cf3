import { visibleText } from "#protocol/terminal-line.ts";
import { LineIndex } from "./line-index.ts";
import type { LineIntake } from "./line-intake.ts";
import { linesOfPage } from "./line-page.ts";
import { severityOf } from "./severity.ts";

/** Where errors begin: lines of standard error or with the words of one, of which the first of several is counted. */
export class ErrorIndex {
  readonly lines = new LineIndex();
  readonly #intake: LineIntake;
  readonly #waiting = new Set<number>();

  constructor(intake: LineIntake) {
    this.#intake = intake;
  }

  /** Takes note of pages that changed. Whole ones are read now, since they may be dropped later. */
  grow(changed: Iterable<number>): void {
    for (const page of changed) {
      if (linesOfPage(page).to <= this.#intake.head && this.#intake.isWhole(page)) this.#read(page);
      else this.#waiting.add(page);
    }
  }

  /** Reads what was not read yet. */
  settle(): void {
    for (const page of this.#waiting) this.#read(page);
  }

  #read(page: number): void {
    this.#waiting.delete(page);
    const found: number[] = [];
    let isInside = false;
    for (const { number, text, isError } of this.#intake.texts(page)) {
      const isGrave = isError || severityOf(visibleText(text)) === "error";
      if (isGrave && !isInside) found.push(number);
      isInside = isGrave;
    }
    this.lines.setPage(page, found);
  }
}
