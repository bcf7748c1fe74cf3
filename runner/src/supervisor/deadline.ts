/** A timer on the monotonic clock that, while it runs, can only be set to fire sooner. */
export class Deadline {
  readonly #onReached: () => void;
  #timer: NodeJS.Timeout | undefined;
  #endMs = Number.POSITIVE_INFINITY;

  constructor(onReached: () => void) {
    this.#onReached = onReached;
  }

  /** Fires after this time, if it does not before. */
  within(ms: number): void {
    const endMs = performance.now() + ms;
    if (endMs >= this.#endMs) return;
    this.clear();
    this.#endMs = endMs;
    this.#timer = setTimeout(() => {
      this.#endMs = Number.POSITIVE_INFINITY;
      this.#onReached();
    }, ms);
  }

  /** Does not fire any more, until it is set again. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#endMs = Number.POSITIVE_INFINITY;
  }
}
