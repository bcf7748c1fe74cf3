/** The Durable Object that knows all runners and all Jobs: who has a slot, who waits and why, what lists show. */
import { DurableObject } from "cloudflare:workers";
import type { UsageGrouping, UsageRow } from "#gen/fleet/v1/fleet_service_pb.js";
import type { Runner } from "#gen/fleet/v1/runner_pb.js";
import type { AskRule } from "#gen/job/v1/ask_pb.js";
import { type Actor, type Job, JobState, type PendingDetail, type Usage } from "#gen/job/v1/job_pb.js";
import type { ListJobsRequest } from "#gen/job/v1/job_service_pb.js";
import type { Answer } from "../answer.ts";
import type { AskPage, AskPageWish } from "../ask-page.ts";
import type { AskMatch, AskReport } from "../ask-report.ts";
import { type Env, parseSettings } from "../env.ts";
import type { LeftAttempt } from "../left-attempt.ts";
import type { Admission, OfferAnswer } from "../offer.ts";
import { pageTokenAfter } from "../page-token.ts";
import { Pulse } from "../pulse.ts";
import { createRunnerClient } from "../runner-client.ts";
import { AskDesk, type Ruled, type RuleWish } from "./ask-desk.ts";
import { Dispatcher } from "./dispatcher.ts";
import { FleetStore, type KnownRunner } from "./fleet-store.ts";
import { LeftBehind } from "./left-behind.ts";
import { watchList } from "./list-watchers.ts";
import { Places } from "./places.ts";
import type { QueuedJob } from "./queue.ts";
import { runnerState, toRunner } from "./runner-check.ts";
import { RunnerRoster } from "./runner-roster.ts";
import { UsageLedger } from "./usage-ledger.ts";
import type { DayRange } from "./usage-range.ts";

/** How often runners are called while Jobs wait for one that is offline … */
const eagerCheckMs = 2_000;
/** … and while Jobs run or somebody watches. */
const checkMs = 10_000;

/** How long a Job's report of an ask may be under way. */
const askReportMs = 1_000;

export class FleetObject extends DurableObject<Env> {
  readonly #store: FleetStore;
  readonly #usage: UsageLedger;
  readonly #left: LeftBehind;
  readonly #pulse = new Pulse(1_000);
  readonly #roster: RunnerRoster;
  readonly #dispatcher: Dispatcher;
  readonly #places: Places;
  readonly #asks: AskDesk;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new FleetStore(ctx.storage);
    this.#usage = new UsageLedger(ctx.storage.sql);
    this.#left = new LeftBehind(ctx.storage.sql);
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
        this.#dispatcher.dispatch();
        // The next call tries again.
        this.ctx.waitUntil(this.#settle(runner).catch(() => undefined));
      },
    });
    this.#dispatcher = new Dispatcher({
      store: this.#store,
      roster: this.#roster,
      offer: async (jobId, offer) => await env.JOB.getByName(jobId).offer(offer),
      poke: async (jobId) => await env.JOB.getByName(jobId).poke(undefined),
      own: (work) => ctx.waitUntil(work),
      schedule: async () => await this.#schedule(),
    });
    this.#places = new Places(this.#store, () => this.#dispatcher.slotOffers());
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
    const kept = this.#dispatcher.takeKept(job.id);
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
    this.#dispatcher.dispatch();
    await this.#schedule();
    return state === JobState.PENDING ? this.#places.of(job.id) : undefined;
  }

  /** Removes a deleted Job from the list. What its runner could not be told yet, it is told when it is called again. */
  async forget(jobId: string, left: LeftAttempt | undefined): Promise<void> {
    this.#store.transaction(() => {
      if (left !== undefined) this.#left.add(jobId, left);
      this.#store.forget(jobId);
      this.#asks.forget(jobId);
    });
    this.#pulse.beat();
  }

  /** Keeps a slot for a Job that is about to be created, if one is free and nobody waits for it. */
  async admit(job: QueuedJob): Promise<Admission> {
    return this.#dispatcher.admit(job);
  }

  /** Gives back the slot that was kept for a Job that was not created after all. */
  async dismiss(jobId: string): Promise<void> {
    this.#dispatcher.dismiss(jobId);
  }

  /** Takes note of what became of the offer of a slot. */
  async settleOffer(jobId: string, runner: string, answer: OfferAnswer): Promise<void> {
    await this.#dispatcher.settle(jobId, runner, answer);
  }

  /** A page of the list, pending Jobs with their place in the queue. */
  async list(request: ListJobsRequest): Promise<{ jobs: Job[]; nextPageToken: string; revision: number }> {
    const size = request.pageSize === 0 ? 50 : request.pageSize;
    const found = this.#store.list(request, size + 1);
    const page = found.slice(0, size);
    const last = page.at(-1);
    const nextPageToken = found.length > size && last !== undefined ? pageTokenAfter(last) : "";
    return { jobs: [...this.#places.show(page)], nextPageToken, revision: this.#store.revision() };
  }

  /** Why a Job waits and where it stands in the queue; undefined when it does not wait here. */
  async pendingDetail(jobId: string): Promise<PendingDetail | undefined> {
    return this.#places.of(jobId);
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

  /** Address of a runner; undefined when there is none of this name any more. */
  async runnerUrl(name: string): Promise<string | undefined> {
    return this.#store.runners().find((runner) => runner.name === name)?.url;
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
      withPlaces: (jobs) => this.#places.show(jobs),
      queuedJobs: (limit) => this.#places.first(limit),
    });
    return new Response(body);
  }

  override async alarm(): Promise<void> {
    await this.#roster.checkAll();
    await this.#dispatcher.takeBackOffers();
    this.#asks.prune();
    await this.#asks.goOn();
    this.#dispatcher.dispatch();
    await this.#schedule();
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
      ...deleted.map((jobId) => client?.releaseJob({ jobId, attempt: attempts.get(jobId) ?? 0, forget: true })),
      ...this.#left.at(name).map(async (left) => {
        await client?.releaseJob({ ...left, forget: true });
        this.#left.delete(left.jobId);
      }),
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
