/** Wakes any number of waiters when something changed. */
export class Pulse {
  readonly #tickMs: number;
  #next = Promise.withResolvers<void>();
  #waiters = 0;
  #ticker: ReturnType<typeof setInterval> | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** While somebody watches, the pulse also beats every `tickMs`, so that watchers can do what is due by time. */
  constructor(tickMs: number) {
    this.#tickMs = tickMs;
  }

  /** Watchers counted by `watch`. */
  get watchers(): number {
    return this.#waiters;
  }

  /** Resolves at the next beat. */
  next(): Promise<void> {
    return this.#next.promise;
  }

  /** Wakes everybody now, or together with others that come within `delayMs`. */
  beat(delayMs = 0): void {
    if (delayMs > 0) {
      this.#timer ??= setTimeout(() => this.beat(), delayMs);
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }

  /** Counts a watcher until the returned function is called. */
  watch(): () => void {
    let isCounted = true;
    this.#waiters += 1;
    this.#ticker ??= setInterval(() => this.beat(), this.#tickMs);
    return () => {
      if (isCounted) this.#waiters -= 1;
      isCounted = false;
      if (this.#waiters > 0) return;
      clearInterval(this.#ticker);
      this.#ticker = null;
    };
  }
}
