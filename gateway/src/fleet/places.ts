/** Why Jobs wait and where they stand in the queue. */
import { create } from "@bufbuild/protobuf";
import { type Job, JobState, type PendingDetail, PendingDetailSchema, PendingReason } from "#gen/job/v1/job_pb.js";
import type { FleetStore } from "./fleet-store.ts";
import { type SlotOffer, waitReason } from "./queue.ts";

const dispatching = create(PendingDetailSchema, { reason: PendingReason.DISPATCHING });

export class Places {
  readonly #store: FleetStore;
  readonly #slotOffers: () => readonly SlotOffer[];

  constructor(store: FleetStore, slotOffers: () => readonly SlotOffer[]) {
    this.#store = store;
    this.#slotOffers = slotOffers;
  }

  /** Of one Job; undefined when it does not wait here. */
  of(jobId: string): PendingDetail | undefined {
    const queued = this.#store.queued(jobId);
    if (queued !== undefined) {
      const reason = waitReason(queued.job, this.#slotOffers());
      return create(PendingDetailSchema, { reason, position: queued.position });
    }
    return this.#store.leases().some((lease) => lease.jobId === jobId && !lease.accepted) ? dispatching : undefined;
  }

  /** The same Jobs, pending ones with their present reason and place. */
  show(jobs: readonly Job[]): readonly Job[] {
    const pending = jobs.filter(({ status }) => status?.state === JobState.PENDING).map(({ id }) => id);
    if (pending.length === 0) return jobs;
    const places = this.#ofMany(pending);
    return jobs.map((job) => {
      const value = places.get(job.id);
      if (value === undefined || job.status === undefined) return job;
      return { ...job, status: { ...job.status, detail: { case: "pending", value } } };
    });
  }

  /** The Jobs at the head of the queue. */
  first(limit: number): readonly Job[] {
    const ids: string[] = [];
    for (const { id } of this.#store.queue()) {
      if (ids.push(id) >= limit) break;
    }
    return this.show(this.#store.jobs(ids));
  }

  /** In one pass over the queue. */
  #ofMany(jobIds: readonly string[]): ReadonlyMap<string, PendingDetail> {
    const wanted = new Set(jobIds);
    const offers = this.#slotOffers();
    const offered = this.#store.leases().filter(({ jobId, accepted }) => !accepted && wanted.has(jobId));
    const places = new Map(offered.map(({ jobId }) => [jobId, dispatching]));
    let position = 0;
    for (const job of this.#store.queue()) {
      position += 1;
      if (wanted.has(job.id))
        places.set(job.id, create(PendingDetailSchema, { reason: waitReason(job, offers), position }));
      if (places.size === wanted.size) break;
    }
    return places;
  }
}
