/** The Durable Object that knows all runners and all Jobs: who has a slot, who waits and why, what lists show. */
import { DurableObject } from "cloudflare:workers";
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { Runner } from "#gen/fleet/v1/runner_pb.js";
import { type Job, JobState, type PendingDetail, PendingDetailSchema, PendingReason } from "#gen/job/v1/job_pb.js";
import type { ListJobsRequest } from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { ProblemInit } from "#protocol/problem.ts";
import type { Answer } from "../answer.ts";
import { type Env, parseSettings } from "../env.ts";
import { pageTokenAfter } from "../page-token.ts";
import { Pulse } from "../pulse.ts";
import { createRunnerClient, type RunnerClient } from "../runner-client.ts";
import { FleetStore, type KnownRunner, type SlotLease } from "./fleet-store.ts";
import { watchList } from "./list-watchers.ts";
import { assignJobs, type QueuedJob, type SlotOffer, waitReason } from "./queue.ts";
import { checkRunner, runnerState, toRunner } from "./runner-check.ts";

/** Name of the runner at RUNNER_URL until it has told its own. */
const configuredRunner = "default";

/** Runners that can be added. */
const maxRunners = 256;
/** Jobs that can wait. */
const maxQueued = 100_000;
/** An offer that is not accepted in time goes back. */
const offerMs = 15_000;
/** How often runners are called while Jobs wait for one that is offline … */
const eagerCheckMs = 2_000;
/** … and while Jobs run or somebody watches. */
const checkMs = 10_000;

export class FleetObject extends DurableObject<Env> {
  readonly #store: FleetStore;
  readonly #pulse = new Pulse(1_000);
  /** Jobs being offered by this life of the object. */
  readonly #offering = new Set<string>();
  /** Runners that refused a Job since they were last called; they get no other before the next call. */
  readonly #refusing = new Set<string>();
  #checkedMs = 0;
  #checking: Promise<void> | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new FleetStore(ctx.storage);
    ctx.blockConcurrencyWhile(() => this.#configure());
  }

  /**
   * Takes a Job's newest revision into the list. A pending Job is queued, a running one keeps its slot, a final one gives
   * it back. Answers why a pending Job waits.
   */
  async report(job: Job): Promise<PendingDetail | undefined> {
    const state = job.status?.state ?? JobState.UNSPECIFIED;
    const { runner = "" } = job.placement ?? {};
    this.#store.transaction(() => {
      this.#store.index(job);
      if (state === JobState.PENDING) this.#store.enqueue(job);
      else this.#store.dequeue(job.id);
      if (state === JobState.RUNNING || state === JobState.WAITING) {
        this.#store.lease({ jobId: job.id, runner, offeredMs: Date.now(), accepted: true });
      } else if (state !== JobState.PENDING) this.#store.unlease(job.id);
    });
    this.#pulse.beat();
    this.#dispatch();
    await this.#schedule();
    return state === JobState.PENDING ? this.#pendingDetails([job.id]).get(job.id) : undefined;
  }

  /** Removes a deleted Job from the list. */
  async forget(jobId: string): Promise<void> {
    this.#store.transaction(() => this.#store.forget(jobId));
    this.#pulse.beat();
  }

  /** True when no more Jobs can wait. */
  async isFull(): Promise<boolean> {
    return this.#store.queueLength() >= maxQueued;
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
    return this.#pendingDetails([jobId]).get(jobId);
  }

  async runners(): Promise<Runner[]> {
    await this.#checkIfStale();
    return this.#store.runners().map((runner) => this.#toRunner(runner));
  }

  /** Calls a runner now. */
  async check(name: string): Promise<Answer<Runner>> {
    const runner = name === "" ? this.#configured() : this.#runner(name);
    if (runner === undefined) return { refused: runnerNotFound(name) };
    return { ok: this.#toRunner(await this.#checkOne(runner)) };
  }

  /** Tells a runner to take no new Jobs, or to take them again. It is remembered here should it be offline. */
  async drain(name: string, draining: boolean): Promise<Answer<Runner>> {
    const runner = this.#runner(name);
    if (runner === undefined) return { refused: runnerNotFound(name) };
    const changed = { ...runner, drained: draining };
    this.#store.saveRunner(changed);
    const client = await this.#connect(runner.url);
    // A runner that is offline is told when it answers again.
    await client?.drain({ draining }).catch(() => undefined);
    return { ok: this.#toRunner(await this.#checkOne(changed)) };
  }

  async add(name: string, url: string): Promise<Answer<Runner>> {
    const runners = this.#store.runners();
    if (runners.length >= maxRunners) return { refused: tooManyRunners() };
    const origin = new URL(url).origin;
    if (runners.some((runner) => runner.name === name || runner.url === origin))
      return { refused: runnerExists(name, origin) };
    const runner = newRunner(name, origin, false);
    this.#store.saveRunner(runner);
    return { ok: this.#toRunner(await this.#checkOne(runner)) };
  }

  async remove(name: string): Promise<Answer<null>> {
    const runner = this.#runner(name);
    if (runner === undefined) return { refused: runnerNotFound(name) };
    const held = leasedBy(this.#store.leases(), runner);
    if (held > 0 || runner.configured) return { refused: runnerInUse(runner, held) };
    this.#store.deleteRunner(name);
    return { ok: null };
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
      revision: () => this.#store.revision(),
    });
    return new Response(body);
  }

  override async alarm(): Promise<void> {
    await this.#checkAll();
    await this.#takeBackOffers();
    this.#dispatch();
    await this.#schedule();
  }

  /** Takes RUNNER_URL into the list of runners. */
  async #configure(): Promise<void> {
    const { runnerUrl } = await parseSettings(this.env);
    const known = this.#configured();
    if (known?.url !== runnerUrl) {
      if (known !== undefined) this.#store.deleteRunner(known.name);
      if (runnerUrl !== undefined) this.#store.saveRunner(newRunner(configuredRunner, runnerUrl, true));
    }
    if (this.#store.leases().length > 0) await this.ctx.storage.setAlarm(Date.now());
  }

  /** Offers waiting Jobs to free slots. */
  #dispatch(): void {
    const assignments = assignJobs(this.#store.queue(), this.#slotOffers());
    for (const { jobId, runner } of assignments) {
      const url = this.#runner(runner)?.url;
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
    switch (answer.kind) {
      case "accepted":
        this.#store.lease({ jobId, runner, offeredMs: Date.now(), accepted: true });
        return;
      case "over":
      case "impossible":
        // Its own report, which is on its way, says what became of it.
        return;
      case "bound":
      case "refused":
      case "unanswered":
        this.#store.unlease(jobId);
        this.#noteRefusal(runner, answer);
        await this.#schedule();
        return;
      default:
        answer satisfies never;
    }
  }

  /** Keeps a runner that did not take a Job from being offered another before it was called again. */
  #noteRefusal(name: string, answer: { readonly kind: string; readonly message?: string }): void {
    const runner = this.#runner(name);
    if (runner === undefined || answer.kind === "bound") return;
    if (answer.kind === "unanswered") this.#store.saveRunner({ ...runner, problem: answer.message ?? "no answer" });
    else this.#refusing.add(name);
  }

  /** Puts back what was offered by an earlier life of this object and never answered. */
  async #takeBackOffers(): Promise<void> {
    const late = this.#store.leases().filter(({ jobId, accepted, offeredMs }) => {
      return !accepted && !this.#offering.has(jobId) && Date.now() - offeredMs > offerMs;
    });
    for (const { jobId } of late) {
      if (this.#store.isQueued(jobId)) this.#store.unlease(jobId);
      else await this.env.JOB.getByName(jobId).poke();
    }
  }

  /** Calls all runners when that was long ago; waits for it only the first time. */
  async #checkIfStale(): Promise<void> {
    if (Date.now() - this.#checkedMs < checkMs) return;
    const checking = this.#checkAll();
    if (this.#checkedMs === 0) await checking;
    else this.ctx.waitUntil(checking);
  }

  #checkAll(): Promise<void> {
    this.#checking ??= Promise.all(this.#store.runners().map((runner) => this.#checkOne(runner)))
      .then(() => undefined)
      .finally(() => {
        this.#checkedMs = Date.now();
        this.#checking = undefined;
      });
    return this.#checking;
  }

  /** Calls a runner, notes what it says, and settles what it holds against what the Jobs say. */
  async #checkOne(runner: KnownRunner): Promise<KnownRunner> {
    const client = await this.#connect(runner.url);
    if (client === undefined) return { ...runner, problem: "RUNNER_SECRET is not set" };
    const before = runnerState(runner);
    const found = await checkRunner(runner, client);
    // It may have been drained or removed meanwhile.
    const now = this.#runner(runner.name);
    if (now === undefined) return found;
    const settled = { ...found, drained: now.drained, name: this.#nameFor(found) };
    if (settled.name !== runner.name) this.#store.deleteRunner(runner.name);
    this.#store.saveRunner(settled);
    this.#refusing.delete(runner.name);
    if (runnerState(settled) !== before) this.#pulse.beat();
    this.#dispatch();
    // The next call tries again.
    this.ctx.waitUntil(this.#settle(settled).catch(() => undefined));
    return settled;
  }

  /** The runner at RUNNER_URL is known by the name it gives itself, once it has told it and if that is free. */
  #nameFor({ name, info }: KnownRunner): string {
    const own = info?.name ?? "";
    const isFree = /^[a-z0-9][a-z0-9-]{0,63}$/.test(own) && this.#runner(own) === undefined;
    return name === configuredRunner && isFree ? own : name;
  }

  #configured(): KnownRunner | undefined {
    return this.#store.runners().find(({ configured }) => configured);
  }

  async #connect(url: string): Promise<RunnerClient | undefined> {
    const { runnerKeys } = await parseSettings(this.env);
    return runnerKeys === undefined ? undefined : createRunnerClient(url, runnerKeys[0]);
  }

  /** Wakes the Jobs that this runner holds or should hold, and has it forget the attempts that are none of theirs. */
  async #settle({ name, url, info, problem }: KnownRunner): Promise<void> {
    if (problem !== "" || info === undefined) return;
    const attempts = new Map(info.attempts.map(({ jobId, attempt }) => [jobId, attempt]));
    const leased = this.#store.leases().filter((lease) => lease.runner === name && lease.accepted);
    const known = this.#store.jobs([...attempts.keys(), ...leased.map(({ jobId }) => jobId)]);
    const client = await this.#connect(url);
    await Promise.all(
      known.map(async ({ id }) => {
        const attempt = attempts.get(id);
        const holder = await this.env.JOB.getByName(id).poke();
        const isStray = attempt !== undefined && (holder.runner !== name || holder.attempt !== attempt);
        if (isStray) await client?.releaseJob({ jobId: id, attempt });
      }),
    );
  }

  async #schedule(): Promise<void> {
    const runners = this.#store.runners();
    const isWaiting = !this.#store.queue()[Symbol.iterator]().next().done;
    const isBusy = isWaiting || this.#pulse.watchers > 0 || this.#store.leases().length > 0;
    if (!isBusy || runners.length === 0) return;
    const isEager =
      isWaiting && runners.some((runner) => runnerState(runner) !== "online" || this.#refusing.has(runner.name));
    const dueMs = Date.now() + (isEager ? eagerCheckMs : checkMs);
    const alarmMs = await this.ctx.storage.getAlarm();
    if (alarmMs === null || alarmMs > dueMs) await this.ctx.storage.setAlarm(dueMs);
  }

  #slotOffers(): readonly SlotOffer[] {
    const leases = this.#store.leases();
    return this.#store.runners().map((runner) => ({
      name: runner.name,
      state: runnerState(runner),
      freeSlots: this.#refusing.has(runner.name) ? 0 : freeSlots(runner, leasedBy(leases, runner)),
      labels: runner.info?.labels ?? [],
      executors: runner.info?.executors.filter(({ problem }) => problem === "").map(({ name }) => name) ?? [],
    }));
  }

  #pendingDetails(jobIds: readonly string[]): ReadonlyMap<string, PendingDetail> {
    const wanted = new Set(jobIds);
    const offers = this.#slotOffers();
    const offered = this.#store.leases().filter(({ jobId, accepted }) => !accepted && wanted.has(jobId));
    const dispatching = create(PendingDetailSchema, { reason: PendingReason.DISPATCHING });
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

  #runner(name: string): KnownRunner | undefined {
    return this.#store.runners().find((runner) => runner.name === name);
  }

  #toRunner(runner: KnownRunner): Runner {
    return toRunner(runner, leasedBy(this.#store.leases(), runner));
  }
}

function newRunner(name: string, url: string, configured: boolean): KnownRunner {
  const never = { seenMs: 0, latencyMs: 0, problem: "not called yet", misconfigured: false, info: undefined };
  return { name, url, configured, drained: false, ...never };
}

function freeSlots({ info }: KnownRunner, leased: number): number {
  return info === undefined ? 0 : info.slots - leased;
}

function leasedBy(leases: readonly SlotLease[], { name }: KnownRunner): number {
  return leases.filter(({ runner }) => runner === name).length;
}

function runnerNotFound(name: string): ProblemInit {
  return {
    code: Code.NotFound,
    reason: ProblemReason.RUNNER_NOT_FOUND,
    field: "name",
    message: name === "" ? "RUNNER_URL is not set" : `no runner is named "${name}"`,
    action: name === "" ? "Set RUNNER_URL and RUNNER_SECRET, or add a runner." : "List the runners to find its name.",
  };
}

function runnerExists(name: string, url: string): ProblemInit {
  return {
    code: Code.AlreadyExists,
    reason: ProblemReason.RUNNER_EXISTS,
    message: `a runner named "${name}" or at ${url} exists`,
    action: "Choose another name, or remove the other runner first.",
  };
}

function tooManyRunners(): ProblemInit {
  return {
    code: Code.ResourceExhausted,
    reason: ProblemReason.RUNNER_EXISTS,
    message: `there are ${maxRunners} runners already`,
    action: "Remove one first.",
  };
}

function runnerInUse({ name, configured }: KnownRunner, held: number): ProblemInit {
  return {
    code: Code.FailedPrecondition,
    reason: ProblemReason.JOB_NOT_FINISHED,
    field: "name",
    message: configured ? `runner "${name}" comes from RUNNER_URL` : `runner "${name}" holds ${held} jobs`,
    action: configured ? "Change RUNNER_URL instead." : "Drain it and wait for its jobs to end.",
  };
}
