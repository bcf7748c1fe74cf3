/** An answer of the provider that says: not now. */
export interface Refusal {
  readonly status: number;
  /** Such as "rate_limit_error". */
  readonly kind: string;
  /** When another try is worth it, in ms since 1970; undefined when the provider did not say. */
  readonly retryMs: number | undefined;
  /** What `pass` gave to the request that was refused. */
  readonly pass: number;
}

/** The provider refuses requests for a while. */
export interface Closing {
  readonly refusal: Refusal;
  /** How many times in a row, from 1. */
  readonly attempt: number;
  readonly untilMs: number;
}

/** What a gate needs. */
export interface RateLimitGateOptions {
  /** It closes; answers what to do when it opens again. */
  readonly onClosed: (closing: Closing) => () => void;
  /** The time in ms since 1970. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Where all requests of a job wait together while the provider takes none. */
export class RateLimitGate {
  readonly #options: RateLimitGateOptions;
  #opensMs = 0;
  #closings = 0;
  #refusals = 0;
  /** What to do when it opens; undefined while it is open. */
  #opened: (() => void) | undefined;
  readonly #waiting = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RateLimitGateOptions) {
    this.#options = options;
  }

  /** Waits until the gate is open. What it answers belongs to the next try alone. */
  async pass(signal: AbortSignal): Promise<number> {
    while (this.#opened !== undefined) await this.#nextOpening(signal);
    return this.#closings;
  }

  /** Closes for a refusal; false when it is not worth waiting for. */
  refused(refusal: Refusal): boolean {
    const { retryMs, pass } = refusal;
    if (retryMs !== undefined && retryMs - this.#options.now() > longestWaitMs) return false;
    // Of requests that went together the first one closes; a later one can only ask for more time.
    if (pass !== this.#closings) {
      if (retryMs !== undefined && retryMs > this.#opensMs) this.#closeUntil(refusal, this.#reopening(retryMs));
      return true;
    }
    this.#refusals += 1;
    if (retryMs === undefined && this.#refusals > mostRefusals) return false;
    this.#closeUntil(refusal, this.#reopening(retryMs));
    return true;
  }

  /** The provider took a request. */
  taken(): void {
    this.#refusals = 0;
  }

  /** Nobody waits any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#open();
  }

  #nextOpening(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const leave = () => {
        this.#waiting.delete(go);
        reject(signal.reason);
      };
      const go = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.add(go);
    });
  }

  /** When to try again: when the provider says, else after a random time that grows from one refusal to the next. */
  #reopening(retryMs: number | undefined): number {
    const { now, random } = this.#options;
    if (retryMs !== undefined) return Math.max(retryMs, now() + shortestWaitMs) + random() * closenessMs;
    const mostMs = Math.min(longestBackoffMs, shortestWaitMs * 2 ** this.#refusals);
    return now() + shortestWaitMs + random() * (mostMs - shortestWaitMs);
  }

  #closeUntil(refusal: Refusal, untilMs: number): void {
    clearTimeout(this.#timer);
    this.#opened?.();
    this.#closings += 1;
    this.#opensMs = Math.ceil(untilMs);
    this.#opened = this.#options.onClosed({ refusal, attempt: this.#refusals, untilMs: this.#opensMs });
    this.#timer = setTimeout(() => this.#open(), this.#opensMs - this.#options.now());
  }

  #open(): void {
    this.#opened?.();
    this.#opened = undefined;
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }
}

const shortestWaitMs = 1_000;
const longestBackoffMs = 60_000;
const longestWaitMs = 6 * 3_600_000;
/** In a row, of a provider that does not say when to come again. */
const mostRefusals = 20;
/** Jobs that were refused together do not come back together. */
const closenessMs = 250;
