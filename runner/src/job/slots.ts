/** The places for running jobs, numbered from 1. */
export class Slots {
  readonly count: number;
  readonly #taken = new Set<number>();

  constructor(count: number) {
    this.count = count;
  }

  get used(): number {
    return this.#taken.size;
  }

  /** The lowest free slot, or undefined when every one is taken. */
  take(): number | undefined {
    for (let slot = 1; slot <= this.count; slot += 1) {
      if (this.#taken.has(slot)) continue;
      this.#taken.add(slot);
      return slot;
    }
    return undefined;
  }

  /** Marks the slot of a job that runs already; it may lie past the count when that was lowered. */
  adopt(slot: number): void {
    this.#taken.add(slot);
  }

  free(slot: number): void {
    this.#taken.delete(slot);
  }
}
