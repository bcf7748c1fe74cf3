/** The Durable Object that knows all runners and all Jobs: who has a slot, who waits and why, what lists show. */
import { DurableObject } from "cloudflare:workers";
import { create } from "@bufbuild/protobuf";
import type { UsageGrouping, UsageRow } from "#gen/fleet/v1/fleet_service_pb.js";
import type { Runner } from "#gen/fleet/v1/runner_pb.js";
import type { AskRule } from "#gen/job/v1/ask_pb.js";
import {
  type Actor,
  type Job,
  JobState,
  type PendingDetail,
  PendingDetailSchema,
  PendingReason,
  type Usage,
} from "#gen/job/v1/job_pb.js";
import type { ListJobsRequest } from "#gen/job/v1/job_service_pb.js";
import type { Answer } from "../answer.ts";
import type { AskPage, AskPageWish } from "../ask-page.ts";
import type { AskMatch, AskReport } from "../ask-report.ts";
import { type Env, parseSettings } from "../env.ts";
import type { Admission, OfferAnswer } from "../offer.ts";
import { pageTokenAfter } from "../page-token.ts";
import { Pulse } from "../pulse.ts";
import { createRunnerClient } from "../runner-client.ts";
import { AskDesk, type Ruled, type RuleWish } from "./ask-desk.ts";
import { FleetStore, type KnownRunner, type SlotLease } from "./fleet-store.ts";
import { watchList } from "./list-watchers.ts";
import { assignJobs, type QueuedJob, type SlotOffer, waitReason } from "./queue.ts";
import { runnerState, toRunner } from "./runner-check.ts";
import { RunnerRoster } from "./runner-roster.ts";
import { UsageLedger } from "./usage-ledger.ts";
import type { DayRange } from "./usage-range.ts";

/** Jobs that can wait. */
const maxQueued = 100_000;
/** An offer that is not accepted in time goes back. */
const offerMs = 15_000;
/** How often runners are called while Jobs wait for one that is offline … */
const eagerCheckMs = 2_000;
/** … and while Jobs run or somebody watches. */
const checkMs = 10_000;

const dispatching = create(PendingDetailSchema, { reason: PendingReason.DISPATCHING });

/** A slot kept for a Job of which nothing is known yet. */
type KeptSlot = Pick<SlotLease, "runner" | "offeredMs">;
/** How long a Job's report of an ask may be under way. */
const askReportMs = 1_000;

export class FleetObject extends DurableObject<Env> {
  readonly #store: FleetStore;
  readonly #usage: UsageLedger;
  readonly #pulse = new Pulse(1_000);
  /** Jobs being offered by this life of the object. */
  readonly #offering = new Set<string>();
  /** Slots kept for Jobs that are being created. Should they be forgotten, a runner refuses one Job too many. */
  readonly #kept = new Map<string, KeptSlot>();
  readonly #roster: RunnerRoster;
  readonly #asks: AskDesk;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new FleetStore(ctx.storage);
    this.#usage = new UsageLedger(ctx.storage.sql);
    this.#asks = new AskDesk({
      storage: ctx.storage,
      decide: async (jobId, matches) => await env.JOB.getByName(jobId).decideByRules(matches),
    });
    this.#roster = new RunnerRoster({
      store: this.#store,
      connect: async (url) => {
        const { runnerKeys } = await parseSettings(env);
        return runnerKeys === undefined ? undefined : createRunnerClient(url, runnerKeys[0]);
      },
      onChecked: (runner, isChanged) => {
        if (isChanged) this.#pulse.beat();
        this.#dispatch();
        // The next call tries again.
        this.ctx.waitUntil(this.#settle(runner).catch(() => undefined));
      },
    });
    ctx.blockConcurrencyWhile(async () => {
      this.#roster.configure((await parseSettings(env)).runnerUrl);
      // Whatever an earlier life was doing, its alarm among it, may have been cut short.
      if (this.#store.leases().length > 0 || this.#store.queueLength() > 0) await ctx.storage.setAlarm(Date.now());
    });
  }

  /**
   * Takes a Job's newest revision into the list. A pending Job is queued, a running one keeps its slot, a final one gives
   * it back. Answers why a pending Job waits.
   */
  async report(job: Job): Promise<PendingDetail | undefined> {
    const state = job.status?.state ?? JobState.UNSPECIFIED;
    const { runner = "" } = job.placement ?? {};
    const kept = this.#kept.get(job.id);
    this.#kept.delete(job.id);
    this.#store.transaction(() => {
      if (!this.#store.index(job)) return;
      this.#usage.enter(job, Date.now());
      if (state === JobState.PENDING) this.#store.enqueue(job);
      else this.#store.dequeue(job.id);
      if (state === JobState.PENDING && kept !== undefined) {
        this.#store.lease({ jobId: job.id, ...kept, accepted: false });
      }
      if (state === JobState.RUNNING || state === JobState.WAITING) {
        this.#store.lease({ jobId: job.id, runner, offeredMs: Date.now(), accepted: true });
      } else if (state !== JobState.PENDING) this.#store.unlease(job.id);
    });
    this.#pulse.beat();
    this.#dispatch();
    await this.#schedule();
    return state === JobState.PENDING ? this.#pendingDetail(job.id) : undefined;
  }

  /** Removes a deleted Job from the list. */
  async forget(jobId: string): Promise<void> {
    this.#store.transaction(() => {
      this.#store.forget(jobId);
      this.#asks.forget(jobId);
    });
    this.#pulse.beat();
  }

  /**
   * Keeps a slot for a Job that is about to be created, if one is free and nobody waits for it. Nothing is stored: the
   * Job's own report does that.
   */
  async admit(job: QueuedJob): Promise<Admission> {
    if (this.#store.queueLength() >= maxQueued) return { kind: "full" };
    const [assignment] = this.#store.isAwaited() || this.#isKnown(job.id) ? [] : assignJobs([job], this.#slotOffers());
    const runner = assignment && this.#roster.find(assignment.runner);
    if (runner === undefined) return { kind: "queued" };
    this.#kept.set(job.id, { runner: runner.name, offeredMs: Date.now() });
    return { kind: "offered", runner: runner.name, url: runner.url };
  }

  /** Gives back the slot that was kept for a Job that was not created after all. */
  async dismiss(jobId: string): Promise<void> {
    if (this.#kept.delete(jobId)) this.#dispatch();
  }

  /** Takes note of what became of the offer of a slot. */
  async settleOffer(jobId: string, runner: string, answer: OfferAnswer): Promise<void> {
    this.#kept.delete(jobId);
    switch (answer.kind) {
      case "accepted":
        // It may have ended and given the slot back before this answer came.
        this.#store.accept(jobId);
        return;
      case "impossible":
        // Its own report, which is on its way, says what became of it.
        return;
      case "over":
        if (answer.hasEnded) this.#store.transaction(() => this.#giveBack(jobId));
        else this.#store.accept(jobId);
        return;
      case "bound":
        this.#store.transaction(() => {
          this.#store.unlease(jobId);
          this.#store.bind(jobId, answer.runner, answer.untilMs);
        });
        this.#dispatch();
        return;
      case "refused":
      case "unanswered":
        this.#store.unlease(jobId);
        this.#roster.noteRefusal(runner, answer.kind, answer.message);
        await this.#schedule();
        return;
      default:
        answer satisfies never;
    }
  }

  /** A page of the list, pending Jobs with their place in the queue. */
  async list(request: ListJobsRequest): Promise<{ jobs: Job[]; nextPageToken: string; revision: number }> {
    const size = request.pageSize === 0 ? 50 : request.pageSize;
    const found = this.#store.list(request, size + 1);
    const page = found.slice(0, size);
    const last = page.at(-1);
    const nextPageToken = found.length > size && last !== undefined ? pageTokenAfter(last) : "";
    return { jobs: [...this.#withPlaces(page)], nextPageToken, revision: this.#store.revision() };
  }

  /** Why a Job waits and where it stands in the queue; undefined when it does not wait here. */
  async pendingDetail(jobId: string): Promise<PendingDetail | undefined> {
    return this.#pendingDetail(jobId);
  }

  /** What was spent on these days, by groups and in all. */
  async usage(days: DayRange, grouping: UsageGrouping): Promise<{ rows: UsageRow[]; total: Usage }> {
    return { rows: this.#usage.rows(days, grouping), total: this.#usage.total(days) };
  }

  /** Takes what a Job tells of its asks, and answers which of the open ones rules decide. */
  async reportAsks(report: AskReport): Promise<readonly AskMatch[]> {
    return this.#store.wasForgotten(report.jobId) ? [] : this.#asks.take(report);
  }

  /** A page of the asks of all Jobs. The page token must be one of ours. */
  async listAsks(wish: AskPageWish): Promise<AskPage> {
    return this.#asks.list(wish);
  }

  /** The Jobs of these asks, by their ids. One that nobody knows may be on its way here: it is waited for a moment. */
  async jobsOfAsks(askIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const deadlineMs = Date.now() + askReportMs;
    for (;;) {
      const found = this.#asks.jobsOf(askIds);
      if (found.size === new Set(askIds).size || Date.now() >= deadlineMs) return found;
      await new Promise((resolve) => setTimeout(resolve, askReportMs / 10));
    }
  }

  async createAskRule(wish: RuleWish): Promise<Answer<Ruled>> {
    return await this.#asks.create(wish);
  }

  async askRules(options: { includeEnded: boolean }): Promise<readonly AskRule[]> {
    return this.#asks.rules(options);
  }

  async revokeAskRule(id: string, revoker: Actor): Promise<Answer<AskRule>> {
    return this.#asks.revoke(id, revoker);
  }

  async runners(): Promise<Runner[]> {
    const waiting = this.#roster.checkIfStale(checkMs);
    if (waiting !== undefined) this.ctx.waitUntil(waiting);
    if (!this.#roster.isChecked) await waiting;
    return this.#store.runners().map((runner) => this.#toRunner(runner));
  }

  /** Calls a runner now. */
  async check(name: string): Promise<Answer<Runner>> {
    return this.#shown(await this.#roster.check(name));
  }

  /** Tells a runner to take no new Jobs, or to take them again. It is remembered here should it be offline. */
  async drain(name: string, draining: boolean): Promise<Answer<Runner>> {
    return this.#shown(await this.#roster.drain(name, draining));
  }

  async add(name: string, url: string): Promise<Answer<Runner>> {
    return this.#shown(await this.#roster.add(name, url));
  }

  async remove(name: string): Promise<Answer<null>> {
    return this.#roster.remove(name, this.#leased(name));
  }

  /** `/watch?after=N`: changes of the list after revision N as envelopes. 416 when N is newer than the newest. */
  override async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const afterRevision = Number(searchParams.get("after"));
    if (afterRevision > this.#store.revision()) return new Response(null, { status: 416 });
    await this.#schedule();
    const end = searchParams.get("end") === "grpc-web" ? "grpc-web" : "connect";
    const body = watchList({
      afterRevision,
      end,
      pulse: this.#pulse,
      changesAfter: (revision, limit) => this.#store.changesAfter(revision, limit),
      withPlaces: (jobs) => this.#withPlaces(jobs),
      queuedJobs: (limit) => this.#queuedJobs(limit),
    });
    return new Response(body);
  }

  override async alarm(): Promise<void> {
    await this.#roster.checkAll();
    await this.#takeBackOffers();
    this.#asks.prune();
    await this.#asks.goOn();
    this.#dispatch();
    await this.#schedule();
  }

  /** Offers waiting Jobs to free slots. */
  #dispatch(): void {
    const assignments = assignJobs(this.#store.queue(), this.#slotOffers());
    for (const { jobId, runner } of assignments) {
      const url = this.#roster.find(runner)?.url;
      if (url === undefined) continue;
      this.#store.lease({ jobId, runner, offeredMs: Date.now(), accepted: false });
      this.ctx.waitUntil(this.#offer(jobId, runner, url));
    }
  }

  async #offer(jobId: string, runner: string, url: string): Promise<void> {
    this.#offering.add(jobId);
    const answer = await this.env.JOB.getByName(jobId)
      .offer({ runner, url })
      .catch((error: unknown) => ({ kind: "unanswered" as const, message: String(error) }))
      .finally(() => this.#offering.delete(jobId));
    await this.settleOffer(jobId, runner, answer);
  }

  /** Nothing is left of a Job that has ended. */
  #giveBack(jobId: string): void {
    this.#store.dequeue(jobId);
    this.#store.unlease(jobId);
  }

  /** Puts back what was offered by an earlier life of this object and never answered. */
  async #takeBackOffers(): Promise<void> {
    const late = this.#store.leases().filter(({ jobId, accepted, offeredMs }) => {
      return !accepted && !this.#offering.has(jobId) && Date.now() - offeredMs > offerMs;
    });
    for (const { jobId } of late) {
      if (this.#store.isQueued(jobId)) this.#store.unlease(jobId);
      else await this.env.JOB.getByName(jobId).poke(undefined);
    }
  }

  /** Wakes the Jobs that this runner holds or should hold, and has it forget the attempts that are none of theirs. */
  async #settle({ name, url, info, problem }: KnownRunner): Promise<void> {
    if (problem !== "" || info === undefined) return;
    const attempts = new Map(info.attempts.map(({ jobId, attempt }) => [jobId, attempt]));
    const leased = this.#store.leases().filter((lease) => lease.runner === name && lease.accepted);
    const known = this.#store.jobs([...attempts.keys(), ...leased.map(({ jobId }) => jobId)]).map(({ id }) => id);
    const deleted = [...attempts.keys()].filter((id) => this.#store.wasForgotten(id));
    const client = await this.#roster.connect(url);
    await Promise.all([
      ...known.map(async (jobId) => {
        const attempt = attempts.get(jobId);
        const seen = attempt === undefined ? undefined : { runner: name, url, attempt };
        const current = await this.env.JOB.getByName(jobId).poke(seen);
        if (attempt !== undefined && attempt !== current) await client?.releaseJob({ jobId, attempt });
      }),
      ...deleted.map((jobId) => client?.releaseJob({ jobId, attempt: attempts.get(jobId) ?? 0 })),
    ]);
  }

  async #schedule(): Promise<void> {
    const runners = this.#store.runners();
    const isWaiting = this.#store.isAwaited();
    const isBusy = isWaiting || this.#pulse.watchers > 0 || this.#store.leases().length > 0;
    if (!isBusy || runners.length === 0) return;
    const isEager =
      isWaiting && runners.some((runner) => runnerState(runner) !== "online" || this.#roster.isRefusing(runner.name));
    const dueMs = Date.now() + (isEager ? eagerCheckMs : checkMs);
    const alarmMs = await this.ctx.storage.getAlarm();
    if (alarmMs === null || alarmMs > dueMs) await this.ctx.storage.setAlarm(dueMs);
  }

  /** True when there is or was such a Job: a repeated request does not create it. */
  #isKnown(jobId: string): boolean {
    return this.#kept.has(jobId) || this.#store.jobs([jobId]).length > 0 || this.#store.wasForgotten(jobId);
  }

  #slotOffers(): readonly SlotOffer[] {
    for (const [jobId, { offeredMs }] of this.#kept) if (Date.now() - offeredMs > offerMs) this.#kept.delete(jobId);
    const taken = [...this.#store.leases(), ...this.#kept.values()];
    const takenAt = (name: string) => taken.filter(({ runner }) => runner === name).length;
    return this.#store.runners().map((runner) => ({
      name: runner.name,
      state: runnerState(runner),
      freeSlots: this.#roster.isRefusing(runner.name) ? 0 : (runner.info?.slots ?? 0) - takenAt(runner.name),
      labels: runner.info?.labels ?? [],
      executors: runner.info?.executors.filter(({ problem }) => problem === "").map(({ name }) => name) ?? [],
    }));
  }

  #pendingDetail(jobId: string): PendingDetail | undefined {
    const queued = this.#store.queued(jobId);
    if (queued !== undefined) {
      const reason = waitReason(queued.job, this.#slotOffers());
      return create(PendingDetailSchema, { reason, position: queued.position });
    }
    return this.#store.leases().some((lease) => lease.jobId === jobId && !lease.accepted) ? dispatching : undefined;
  }

  /** The same for many Jobs, in one pass over the queue. */
  #pendingDetails(jobIds: readonly string[]): ReadonlyMap<string, PendingDetail> {
    const wanted = new Set(jobIds);
    const offers = this.#slotOffers();
    const offered = this.#store.leases().filter(({ jobId, accepted }) => !accepted && wanted.has(jobId));
    const details = new Map(offered.map(({ jobId }) => [jobId, dispatching]));
    let position = 0;
    for (const job of this.#store.queue()) {
      position += 1;
      if (wanted.has(job.id))
        details.set(job.id, create(PendingDetailSchema, { reason: waitReason(job, offers), position }));
      if (details.size === wanted.size) break;
    }
    return details;
  }

  /** The same Jobs, pending ones with their present reason and place. */
  #withPlaces(jobs: readonly Job[]): readonly Job[] {
    const pending = jobs.filter(({ status }) => status?.state === JobState.PENDING).map(({ id }) => id);
    if (pending.length === 0) return jobs;
    const details = this.#pendingDetails(pending);
    return jobs.map((job) => {
      const value = details.get(job.id);
      if (value === undefined || job.status === undefined) return job;
      return { ...job, status: { ...job.status, detail: { case: "pending", value } } };
    });
  }

  #queuedJobs(limit: number): readonly Job[] {
    const ids: string[] = [];
    for (const { id } of this.#store.queue() as Iterable<QueuedJob>) {
      if (ids.push(id) >= limit) break;
    }
    return this.#withPlaces(this.#store.jobs(ids));
  }

  #toRunner(runner: KnownRunner): Runner {
    return toRunner(runner, this.#leased(runner.name));
  }

  #shown(answer: Answer<KnownRunner>): Answer<Runner> {
    return "ok" in answer ? { ok: this.#toRunner(answer.ok) } : answer;
  }

  /** Slots of a runner that are taken, by our book. */
  #leased(name: string): number {
    return this.#store.leases().filter(({ runner }) => runner === name).length;
  }
}
