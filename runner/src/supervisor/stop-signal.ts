import { EndCause } from "#gen/job/v1/job_pb.js";
import type { StopOrder } from "./control.ts";
import { Deadline } from "./deadline.ts";
import { limitGraceMs } from "./limits.ts";

/** Limits that are counted here. */
export interface CountedLimits {
  readonly wallMs: number;
  readonly idleMs: number | undefined;
  /** Whether the job waits for somebody just now, and so is not idle. Where that ends, say that it is active. */
  readonly isWaiting: () => boolean;
  /** What a stop takes before SIGTERM, for the agent to leave its turn. */
  readonly interruptMs: number;
}

/** Decides once whether and why a job is stopped: by order, or because one of its limits fired. */
export class StopSignal {
  readonly #abort = new AbortController();
  readonly #ordered = Promise.withResolvers<StopOrder>();
  readonly #graceOver = Promise.withResolvers<void>();
  readonly #grace = new Deadline(() => this.#graceOver.resolve());
  readonly #interruptOver = Promise.withResolvers<void>();
  readonly #interrupt = new Deadline(() => this.#interruptOver.resolve());
  #order: StopOrder | undefined;
  #wallTimer: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #lastActivity = performance.now();
  #isOver = false;
  #isWaiting = () => false;
  #interruptMs = 0;

  /** Aborts when the job shall be stopped. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Why, once it shall; undefined before. */
  get order(): StopOrder | undefined {
    return this.#order;
  }

  /** Settles with the order once there is one. */
  get ordered(): Promise<StopOrder> {
    return this.#ordered.promise;
  }

  /** Settles when the job has had its grace: the one that ends first of all that were given. */
  get graceOver(): Promise<void> {
    return this.#graceOver.promise;
  }

  /** Settles when the agent has had its time to leave its turn; an order without grace gives none. */
  get interruptOver(): Promise<void> {
    return this.#interruptOver.promise;
  }

  /** The first order says why; a later one can only be more impatient. */
  stop(order: StopOrder): void {
    if (this.#isOver) return;
    const interruptMs = order.graceMs === 0 ? 0 : this.#interruptMs;
    this.#interrupt.within(interruptMs);
    this.#grace.within(interruptMs + order.graceMs);
    if (this.#order !== undefined) return;
    this.#order = order;
    this.#ordered.resolve(order);
    this.#abort.abort();
  }

  /** Begins to count; timers run on the monotonic clock. */
  startLimits({ wallMs, idleMs, isWaiting, interruptMs }: CountedLimits): void {
    this.#isWaiting = isWaiting;
    this.#interruptMs = interruptMs;
    this.#wallTimer = setTimeout(() => this.stop({ cause: EndCause.WALL_TIMEOUT, ...limit }), wallMs);
    this.#lastActivity = performance.now();
    if (idleMs !== undefined) this.#awaitIdle(idleMs, idleMs);
  }

  /** The job did something, so it is not idle. */
  active(): void {
    this.#lastActivity = performance.now();
  }

  /** The job has nothing left to stop: no limit counts and no order is taken any more. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#wallTimer);
    clearTimeout(this.#idleTimer);
    this.#interrupt.clear();
    this.#grace.clear();
  }

  #awaitIdle(idleMs: number, waitMs: number): void {
    this.#idleTimer = setTimeout(() => {
      if (this.#isWaiting()) this.active();
      const leftMs = this.#lastActivity + idleMs - performance.now();
      if (leftMs <= 0) this.stop({ cause: EndCause.IDLE_TIMEOUT, ...limit });
      else this.#awaitIdle(idleMs, Math.ceil(leftMs));
    }, waitMs);
  }
}

const limit = { actor: null, graceMs: limitGraceMs };
