import { type HeldLine, LinePage, linesPerPage } from "./line-page.ts";

/** Most that is held of a log; pages that were not looked at for longest go first. */
export interface StoreLimits {
  readonly lines: number;
  readonly bytes: number;
}

/** What UX promises to hold of one job. */
export const storeLimits: StoreLimits = { lines: 1_000_000, bytes: 128 * 1024 * 1024 };

/** The lines that are held, by number, wherever in the log they stand. */
export class LineStore {
  readonly #pages = new Map<number, LinePage>();
  readonly #limits: StoreLimits;
  #lines = 0;
  #bytes = 0;
  #clock = 0;

  constructor(limits: StoreLimits) {
    this.#limits = limits;
  }

  /** How much is held. */
  get held(): { readonly lines: number; readonly bytes: number } {
    return { lines: this.#lines, bytes: this.#bytes };
  }

  get(number: number): HeldLine | undefined {
    return this.page(pageOf(number))?.get(number);
  }

  /** When a line was written; 0 when that is not known. */
  timeOf(number: number): number {
    return this.page(pageOf(number))?.timeOf(number) ?? 0;
  }

  /** True when a line is neither here nor known never to come. */
  isMissing(number: number): boolean {
    const page = this.page(pageOf(number));
    return !page?.has(number) && !page?.isAbsent(number);
  }

  page(index: number): LinePage | undefined {
    return this.#pages.get(index);
  }

  /** Holds a line; one that is held already is written over. */
  put(number: number, line: HeldLine): void {
    this.#change(number, (page) => page.put(number, line));
  }

  /** Says that a line will not come. */
  markAbsent(number: number): void {
    this.#change(number, (page) => page.markAbsent(number));
  }

  /** Says that a page is looked at, so that it stays. */
  touch(index: number): void {
    const page = this.#pages.get(index);
    if (page) page.usedAt = ++this.#clock;
  }

  #change(number: number, change: (page: LinePage) => void): void {
    const index = pageOf(number);
    const page = this.#pages.get(index) ?? new LinePage(index * linesPerPage + 1);
    if (!this.#pages.has(index)) {
      this.#pages.set(index, page);
      this.#bytes += page.size;
    }
    const { size, held } = page;
    change(page);
    page.usedAt = ++this.#clock;
    this.#bytes += page.size - size;
    this.#lines += page.held - held;
    while ((this.#lines > this.#limits.lines || this.#bytes > this.#limits.bytes) && this.#pages.size > 1) {
      this.#dropOldest();
    }
  }

  #dropOldest(): void {
    let oldest: readonly [number, LinePage] | undefined;
    for (const entry of this.#pages) if (!oldest || entry[1].usedAt < oldest[1].usedAt) oldest = entry;
    if (!oldest) return;
    const [index, page] = oldest;
    this.#pages.delete(index);
    this.#lines -= page.held;
    this.#bytes -= page.size;
  }
}

/** The page that a line stands on. */
export function pageOf(number: number): number {
  return Math.floor((number - 1) / linesPerPage);
}
