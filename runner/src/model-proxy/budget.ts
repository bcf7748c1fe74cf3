import { BudgetScope } from "#gen/job/v1/ask_pb.js";
import { type Ledger, untilMidnightMs } from "./day-ledger.ts";

/** A limit that was reached. */
export interface ReachedLimit {
  readonly scope: BudgetScope;
  readonly spentMicros: number;
  readonly limitMicros: number;
}

/** What was decided about it. */
export type BudgetVerdict =
  | { readonly kind: "raised"; readonly limitMicros: number }
  | { readonly kind: "stop" }
  /** The question was taken back. */
  | { readonly kind: "withdrawn" };

/** What a budget needs. */
export interface BudgetOptions {
  readonly jobId: string;
  /** Of the job; 0 for none. */
  readonly limitMicros: number;
  /** Of all jobs of the runner in a day; 0 for none. */
  readonly dayLimitMicros: number;
  readonly ledger: Ledger;
  /** Asks whether a limit shall be raised; the signal takes the question back. */
  readonly ask: (reached: ReachedLimit, signal: AbortSignal) => Promise<BudgetVerdict>;
  /** The job shall end: its budget stays as it is. */
  readonly onStop: (reached: ReachedLimit) => void;
  /** The time in ms since 1970. */
  readonly now: () => number;
}

/** A request that was let through. */
export interface Admission {
  /** It is over and cost this much. */
  settle(micros: number): void;
}

/**
 * Lets requests through while money is left. One goes along with others only when all of those together cannot reach the
 * limit, so that what is spent ends within one request of it. Who comes when it is spent waits until somebody decides.
 */
export class Budget {
  readonly #options: BudgetOptions;
  readonly #waiting: Waiting[] = [];
  /** The worst that each request on its way can cost. */
  readonly #open = new Set<{ readonly micros: number }>();
  #limitMicros: number;
  #dayLimitMicros: number;
  #spentMicros = 0;
  #question: AbortController | undefined;
  #isStopped = false;

  constructor(options: BudgetOptions) {
    this.#options = options;
    this.#limitMicros = options.limitMicros || Number.POSITIVE_INFINITY;
    this.#dayLimitMicros = options.dayLimitMicros || Number.POSITIVE_INFINITY;
  }

  /** Waits until a request may go that can cost this much. Rejects when the signal aborts. */
  admit(worstMicros: number, signal: AbortSignal): Promise<Admission> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        if (this.#waiting.length === 0) this.#question?.abort();
        reject(signal.reason);
      };
      const entry = { micros: worstMicros, resolve, release: () => signal.removeEventListener("abort", leave) };
      signal.throwIfAborted();
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(entry);
      this.#letThrough();
    });
  }

  #letThrough(): void {
    if (this.#question !== undefined || this.#isStopped) return;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const reached = this.#reached(0);
      if (reached !== undefined) {
        void this.#askFor(reached);
        return;
      }
      if (this.#open.size > 0 && this.#reached(sum(this.#open)) !== undefined) return;
      this.#waiting.shift();
      next.release();
      next.resolve(this.#admission(next.micros));
    }
  }

  /** The limit that is reached when so much more is spent. */
  #reached(moreMicros: number): ReachedLimit | undefined {
    const spentMicros = this.#spentMicros + moreMicros;
    if (spentMicros >= this.#limitMicros) {
      return { scope: BudgetScope.JOB, spentMicros, limitMicros: this.#limitMicros };
    }
    if (this.#dayLimitMicros === Number.POSITIVE_INFINITY) return undefined;
    const daySpentMicros = this.#options.ledger.spentMicros() + moreMicros;
    if (daySpentMicros < this.#dayLimitMicros) return undefined;
    return { scope: BudgetScope.DAY, spentMicros: daySpentMicros, limitMicros: this.#dayLimitMicros };
  }

  #admission(micros: number): Admission {
    const open = { micros };
    this.#open.add(open);
    return {
      settle: (costMicros) => {
        if (!this.#open.delete(open)) return;
        this.#spentMicros += costMicros;
        if (costMicros > 0) this.#options.ledger.add(this.#options.jobId, costMicros);
        this.#letThrough();
      },
    };
  }

  async #askFor(reached: ReachedLimit): Promise<void> {
    const { ask, onStop, now } = this.#options;
    const question = new AbortController();
    this.#question = question;
    // A day's limit is a new one on the next day.
    const midnight = setTimeout(() => question.abort(), untilMidnightMs(now()));
    if (reached.scope !== BudgetScope.DAY) clearTimeout(midnight);
    const verdict = await ask(reached, question.signal);
    clearTimeout(midnight);
    this.#question = undefined;
    if (verdict.kind === "stop") {
      this.#isStopped = true;
      onStop(reached);
      return;
    }
    if (verdict.kind === "raised") this.#raise(reached.scope, verdict.limitMicros);
    // Taken back by the end of the job, it is not asked again.
    else if (!question.signal.aborted) this.#isStopped = true;
    this.#letThrough();
  }

  #raise(scope: BudgetScope, limitMicros: number): void {
    if (scope === BudgetScope.DAY) this.#dayLimitMicros = limitMicros;
    else this.#limitMicros = limitMicros;
  }
}

interface Waiting {
  readonly micros: number;
  readonly resolve: (admission: Admission) => void;
  readonly release: () => void;
}

function sum(requests: Iterable<{ readonly micros: number }>): number {
  let micros = 0;
  for (const request of requests) micros += request.micros;
  return micros;
}
