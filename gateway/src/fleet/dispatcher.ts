/** Brings waiting Jobs and free slots together: offers, and what becomes of them. */
import type { Admission, Offer, OfferAnswer } from "../offer.ts";
import type { FleetStore, KnownRunner, SlotLease } from "./fleet-store.ts";
import { assignJobs, type QueuedJob, type SlotOffer } from "./queue.ts";
import { runnerState } from "./runner-check.ts";
import type { RunnerRoster } from "./runner-roster.ts";

/** What a Dispatcher works with. */
export interface DispatcherParts {
  readonly store: FleetStore;
  readonly roster: RunnerRoster;
  /** Offers a Job a slot. */
  readonly offer: (jobId: string, offer: Offer) => Promise<OfferAnswer>;
  /** Has a Job go on with whatever it has to do. */
  readonly poke: (jobId: string) => Promise<unknown>;
  /** Keeps the object awake until this is done. */
  readonly own: (work: Promise<void>) => void;
  /** Sees to it that runners are called again in time. */
  readonly schedule: () => Promise<void>;
}

/** Jobs that can wait. */
const maxQueued = 100_000;
/** An offer that is not accepted in time goes back. */
const offerMs = 15_000;

/** A slot kept for a Job of which nothing is known yet. */
type KeptSlot = Pick<SlotLease, "runner" | "offeredMs">;

export class Dispatcher {
  readonly #parts: DispatcherParts;
  /** Jobs being offered by this life of the object. */
  readonly #offering = new Set<string>();
  /** Slots kept for Jobs that are being created. Should they be forgotten, a runner refuses one Job too many. */
  readonly #kept = new Map<string, KeptSlot>();

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /**
   * Keeps a slot for a Job that is about to be created, if one is free and nobody waits for it. Nothing is stored: the
   * Job's own report does that.
   */
  admit(job: QueuedJob): Admission {
    const { store, roster } = this.#parts;
    if (store.queueLength() >= maxQueued) return { kind: "full" };
    const [assignment] = store.isAwaited() || this.#isKnown(job.id) ? [] : assignJobs([job], this.slotOffers());
    const runner = assignment && roster.find(assignment.runner);
    if (runner === undefined) return { kind: "queued" };
    this.#kept.set(job.id, { runner: runner.name, offeredMs: Date.now() });
    return { kind: "offered", runner: runner.name, url: runner.url };
  }

  /** Gives back the slot that was kept for a Job that was not created after all. */
  dismiss(jobId: string): void {
    if (this.#kept.delete(jobId)) this.dispatch();
  }

  /** Hands over the slot that was kept for a Job, now that the Job itself has told of it. */
  takeKept(jobId: string): KeptSlot | undefined {
    const kept = this.#kept.get(jobId);
    this.#kept.delete(jobId);
    return kept;
  }

  /** Offers waiting Jobs to free slots. */
  dispatch(): void {
    const { store, roster, own } = this.#parts;
    for (const { jobId, runner } of assignJobs(store.queue(), this.slotOffers())) {
      const url = roster.find(runner)?.url;
      if (url === undefined) continue;
      store.lease({ jobId, runner, offeredMs: Date.now(), accepted: false });
      own(this.#offer(jobId, { runner, url }));
    }
  }

  /** Takes note of what became of the offer of a slot. */
  async settle(jobId: string, runner: string, answer: OfferAnswer): Promise<void> {
    const { store, roster, schedule } = this.#parts;
    this.#kept.delete(jobId);
    switch (answer.kind) {
      case "accepted":
        // It may have ended and given the slot back before this answer came.
        store.accept(jobId);
        return;
      case "impossible":
        // Its own report, which is on its way, says what became of it.
        return;
      case "over":
        if (answer.hasEnded) store.transaction(() => this.#giveBack(jobId));
        else store.accept(jobId);
        return;
      case "bound":
        store.transaction(() => {
          store.unlease(jobId);
          store.bind(jobId, answer.runner, answer.untilMs);
        });
        this.dispatch();
        return;
      case "refused":
      case "unanswered":
        store.unlease(jobId);
        roster.noteRefusal(runner, answer.kind, answer.message);
        await schedule();
        return;
      default:
        answer satisfies never;
    }
  }

  /** Puts back what was offered by an earlier life of this object and never answered. */
  async takeBackOffers(): Promise<void> {
    const { store, poke } = this.#parts;
    const late = store.leases().filter(({ jobId, accepted, offeredMs }) => {
      return !accepted && !this.#offering.has(jobId) && Date.now() - offeredMs > offerMs;
    });
    for (const { jobId } of late) {
      if (store.isQueued(jobId)) store.unlease(jobId);
      else await poke(jobId);
    }
  }

  /** The runners as the queue sees them. */
  slotOffers(): readonly SlotOffer[] {
    const { store, roster } = this.#parts;
    for (const [jobId, { offeredMs }] of this.#kept) if (Date.now() - offeredMs > offerMs) this.#kept.delete(jobId);
    const taken = [...store.leases(), ...this.#kept.values()];
    const takenAt = (name: string) => taken.filter(({ runner }) => runner === name).length;
    return store.runners().map((runner) => ({
      name: runner.name,
      state: runnerState(runner),
      freeSlots: roster.isRefusing(runner.name) ? 0 : (runner.info?.slots ?? 0) - takenAt(runner.name),
      labels: runner.info?.labels ?? [],
      executors: runner.info?.executors.filter(({ problem }) => problem === "").map(({ name }) => name) ?? [],
      isBudgetSpent: isBudgetSpent(runner),
      isDiskLow: isDiskLow(runner),
    }));
  }

  async #offer(jobId: string, offer: Offer): Promise<void> {
    this.#offering.add(jobId);
    const answer = await this.#parts
      .offer(jobId, offer)
      .catch((error: unknown) => ({ kind: "unanswered" as const, message: String(error) }))
      .finally(() => this.#offering.delete(jobId));
    await this.settle(jobId, offer.runner, answer);
  }

  /** Nothing is left of a Job that has ended. */
  #giveBack(jobId: string): void {
    this.#parts.store.dequeue(jobId);
    this.#parts.store.unlease(jobId);
  }

  /** True when there is or was such a Job: a repeated request does not create it. */
  #isKnown(jobId: string): boolean {
    const { store } = this.#parts;
    return this.#kept.has(jobId) || store.jobs([jobId]).length > 0 || store.wasForgotten(jobId);
  }
}

function isDiskLow({ info }: KnownRunner): boolean {
  return info !== undefined && info.freeDiskBytes < info.minFreeDiskBytes;
}

function isBudgetSpent({ info }: KnownRunner): boolean {
  return info !== undefined && info.dayBudgetMicros > 0n && info.daySpentMicros >= info.dayBudgetMicros;
}
