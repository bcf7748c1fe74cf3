/** Height of a row that is not wrapped. */
export const rowHeightPx = 20;

/** Where rows stand when some are taller than others. Rows that were not seen yet count as not wrapped. */
export class RowHeights {
  /** Rows that are taller, in order, and how much taller those up to and including each are. */
  #rows: number[] = [];
  #sums: number[] = [];

  /** Top of a row. */
  top(row: number): number {
    return row * rowHeightPx + this.#extraBefore(row);
  }

  /** The row at a distance from the top. */
  rowAt(px: number): number {
    let [low, high] = [0, Math.max(0, Math.floor(px / rowHeightPx))];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.top(middle) <= px) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Takes the measured height of a row; true when that changes anything. */
  set(row: number, height: number): boolean {
    const at = this.#indexOf(row);
    const before = this.#sums[at - 1] ?? 0;
    const held = this.#rows[at] === row ? (this.#sums[at] ?? 0) - before : 0;
    const change = height - rowHeightPx - held;
    if (Math.abs(change) < 0.5) return false;
    if (held === 0) {
      this.#rows.splice(at, 0, row);
      this.#sums.splice(at, 0, before);
    }
    for (let index = at; index < this.#sums.length; index++) this.#sums[index] = (this.#sums[index] ?? 0) + change;
    return true;
  }

  /** Forgets all heights. */
  clear(): void {
    this.#rows = [];
    this.#sums = [];
  }

  #extraBefore(row: number): number {
    return this.#sums[this.#indexOf(row) - 1] ?? 0;
  }

  /** Index of the first row held that is not above this one. */
  #indexOf(row: number): number {
    let [low, high] = [0, this.#rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#rows[middle] ?? 0) < row) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
