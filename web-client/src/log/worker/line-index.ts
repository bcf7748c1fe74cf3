import { pageOf } from "./line-store.ts";

/** A set of line numbers that is filled page by page, for counting and for going from one to the next. */
export class LineIndex {
  readonly #pages = new Map<number, Uint32Array>();
  #count = 0;
  #lastPage = -1;

  /** Lines in it. */
  get count(): number {
    return this.#count;
  }

  /** Says which lines of a page are in it, in order, instead of what was said before. */
  setPage(page: number, numbers: readonly number[]): void {
    this.#count += numbers.length - this.page(page).length;
    if (numbers.length === 0) this.#pages.delete(page);
    else this.#pages.set(page, Uint32Array.from(numbers));
    if (numbers.length > 0) this.#lastPage = Math.max(this.#lastPage, page);
  }

  /** The lines of a page. */
  page(page: number): Uint32Array {
    return this.#pages.get(page) ?? empty;
  }

  has(line: number): boolean {
    return this.page(pageOf(line)).includes(line);
  }

  /** The nearest line behind, or before, another one. */
  beside(line: number, step: 1 | -1): number | undefined {
    for (
      let page = Math.max(0, Math.min(pageOf(line), this.#lastPage));
      page >= 0 && page <= this.#lastPage;
      page += step
    ) {
      const numbers = this.page(page);
      const found = step > 0 ? numbers.find((number) => number > line) : numbers.findLast((number) => number < line);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** All lines in order. */
  *lines(): Generator<number> {
    for (let page = 0; page <= this.#lastPage; page++) yield* this.page(page);
  }

  /** How many lines stand before another one. */
  countBefore(line: number): number {
    let count = 0;
    const last = pageOf(line);
    for (const [page, numbers] of this.#pages) {
      if (page < last) count += numbers.length;
      else if (page === last) count += numbers.filter((number) => number < line).length;
    }
    return count;
  }

  /** First and last line of each page that has some. */
  *spans(): Generator<readonly [first: number, last: number]> {
    for (let page = 0; page <= this.#lastPage; page++) {
      const numbers = this.page(page);
      const [first] = numbers;
      if (first !== undefined) yield [first, numbers.at(-1) ?? first];
    }
  }
}

const empty = new Uint32Array(0);

/** Splits line numbers, in order, by the page they stand on. */
export function byPage(numbers: Iterable<number>): ReadonlyMap<number, readonly number[]> {
  const pages = new Map<number, number[]>();
  for (const number of numbers) {
    const page = pageOf(number);
    const held = pages.get(page);
    if (held) held.push(number);
    else pages.set(page, [number]);
  }
  return pages;
}
