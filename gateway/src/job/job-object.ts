/** The Durable Object that owns one Job: its state, its events, its watchers, its attempt. */
import { DurableObject } from "cloudflare:workers";
import type { Artifact, Message } from "#gen/job/v1/job_event_pb.js";
import {
  type Actor,
  type Branch,
  EndCause,
  type Job,
  JobState,
  type PermissionMode,
  type Publication,
  type PullRequest,
} from "#gen/job/v1/job_pb.js";
import type { Diff } from "#gen/job/v1/job_service_pb.js";
import { type Answer, keyReused } from "../answer.ts";
import type { AskPage, AskPageWish } from "../ask-page.ts";
import type { AskMatch } from "../ask-report.ts";
import type { ReadAttachment } from "../attachment/attachments.ts";
import { type Env, parseSettings } from "../env.ts";
import type { LeftAttempt } from "../left-attempt.ts";
import type { Admission, Offer, OfferAnswer } from "../offer.ts";
import { createRunnerClient } from "../runner-client.ts";
import { allowHost } from "./allow-host.ts";
import type { ArtifactPlace } from "./artifacts.ts";
import { askNotFound } from "./ask-refusals.ts";
import type { Decided } from "./asks.ts";
import { Attempt } from "./attempt.ts";
import { type AttemptPlace, findAttempt } from "./attempt-place.ts";
import { Conversation, type DecisionWish, type MessageWish } from "./conversation.ts";
import type { DiffWish } from "./diff-store.ts";
import { giveUpWaiting, wakeMs } from "./due.ts";
import { FleetReport } from "./fleet-report.ts";
import { type JobInit, JobRecord } from "./job-record.ts";
import { artifactNotFound, finished, jobNotFound, notFinished, queueFull } from "./job-refusals.ts";
import { isFinal } from "./job-state.ts";
import { type Holder, JobStore } from "./job-store.ts";
import { JobWork, type TurnRange } from "./job-work.ts";
import { lease } from "./lease.ts";
import { watchStream } from "./watchers.ts";

/** An attempt of the Job that a runner says it holds. */
export interface SeenAttempt extends Offer {
  readonly attempt: number;
}

export class JobObject extends DurableObject<Env> {
  readonly #store: JobStore;
  #record: JobRecord | undefined;
  #attempt: Attempt | undefined;
  #conversation: Conversation | undefined;
  #work: JobWork | undefined;
  #changed = Promise.withResolvers<void>();
  #fleetReport: FleetReport | undefined;
  /** True once the alarm is set in this life. */
  #isWatched = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new JobStore(ctx.storage);
    const memory = this.#store.load();
    if (memory === undefined) return;
    this.#own(new JobRecord(this.#store, memory, this.#listener));
    this.#goOn();
    // Whatever an earlier life was doing, its alarm among it, may have been cut short.
    ctx.waitUntil(this.#setAlarm());
  }

  /**
   * Stores a new Job unless the queue is full, and begins with it if a slot is offered; or answers with the one that the
   * same request made before.
   */
  async create(init: JobInit, admission: Admission): Promise<Answer<{ job: Job; replayed: boolean }>> {
    if (this.#store.wasDeleted()) return { refused: keyReused("its job was deleted") };
    const existing = this.#record;
    if (existing !== undefined) {
      if (!equal(existing.memory.requestDigest, init.requestDigest)) return { refused: keyReused("another request") };
      return { ok: { job: existing.view(), replayed: true } };
    }
    if (admission.kind === "full") return { refused: queueFull() };
    this.#store.prepare();
    const holder = admission.kind === "offered" ? startingAt(admission, 1) : undefined;
    const record = JobRecord.create(this.#store, { ...init, holder }, this.#listener);
    this.#own(record);
    const created = record.view();
    if (holder === undefined) await this.#setAlarm();
    else this.ctx.waitUntil(this.#begin(record, holder).then((answer) => this.#tellOfOffer(record, holder, answer)));
    await this.#report();
    // It may have begun to run already; its creator is told how it was created, and watches from there.
    return { ok: { job: record.state === JobState.PENDING ? record.view() : created, replayed: false } };
  }

  /** The Job, at once or when its revision differs from the known one, at the latest after `waitMs`. */
  async get(knownRevision: number, waitMs: number): Promise<Answer<Job>> {
    const deadlineMs = Date.now() + waitMs;
    for (;;) {
      if (this.#record === undefined) return { refused: jobNotFound() };
      const job = this.#record.view();
      const leftMs = deadlineMs - Date.now();
      if (job.revision !== knownRevision || leftMs <= 0) return { ok: job };
      await Promise.race([this.#changed.promise, new Promise((resolve) => setTimeout(resolve, leftMs))]);
    }
  }

  /** Stores the wish to stop the Job and passes it on. */
  async cancel(actor: Actor): Promise<Answer<Job>> {
    const record = this.#record;
    if (record === undefined) return { refused: jobNotFound() };
    if (isFinal(record.state)) return { refused: finished(record.memory.job.id) };
    record.setCanceler(actor);
    if (!record.isHeld) record.finishWith(EndCause.CANCELED, "canceled before it began", actor);
    this.#passOnCancel();
    await this.#setAlarm();
    return { ok: record.view() };
  }

  /** Deletes a finished Job. */
  async remove(): Promise<Answer<null>> {
    const record = this.#record;
    if (record === undefined) return { refused: jobNotFound() };
    if (!isFinal(record.state)) return { refused: notFinished(record.memory.job.id) };
    await this.#report();
    const place = await findAttempt(record.memory, this.#findRunner);
    const left = place && (await this.#forgetAt(place));
    await this.#fleet().forget(record.memory.job.id, left);
    this.#record = this.#conversation = this.#work = undefined;
    await this.#store.deleteAll();
    return { ok: null };
  }

  /** A page of the Job's asks. The page token must be one of ours. */
  async listAsks(wish: AskPageWish): Promise<Answer<AskPage>> {
    if (this.#record === undefined) return { refused: jobNotFound() };
    // What has just come is listed too.
    this.#record.commit(() => undefined);
    return { ok: this.#store.asks.list(wish) };
  }

  /** Decides asks of the Job, each on its own, and durably. */
  async decideAsks(wish: DecisionWish): Promise<readonly Decided[]> {
    const conversation = this.#conversation;
    if (conversation === undefined) return wish.askIds.map((id) => ({ ask: undefined, refused: askNotFound(id) }));
    return await this.#settle(conversation.decide(wish));
  }

  /** Decides asks by rules of the fleet's; answers once the fleet has been told of it. */
  async decideByRules(matches: readonly AskMatch[]): Promise<void> {
    await this.#settle(this.#conversation?.decideByRules(matches));
  }

  /** Sends the agent a message, changes one that is queued, or withdraws it. */
  async message(wish: MessageWish): Promise<Answer<Message>> {
    return await this.#settle((await this.#conversation?.message(wish)) ?? { refused: jobNotFound() });
  }

  /** Changes what the agent may do unasked. While it runs, the Job follows as soon as the runner's event is here. */
  async setPermissionMode(mode: PermissionMode, actor: Actor): Promise<Answer<Job>> {
    return (await this.#conversation?.setMode(mode, actor)) ?? { refused: jobNotFound() };
  }

  /** What the Job changed. */
  async diff(wish: DiffWish & TurnRange): Promise<Answer<Diff>> {
    return (await this.#work?.diff(wish)) ?? { refused: jobNotFound() };
  }

  /** Pushes the Job's work as it stands now. */
  async pushBranch(branch: Branch): Promise<Answer<Publication>> {
    return await this.#settle((await this.#work?.push(branch)) ?? { refused: jobNotFound() });
  }

  /** Opens a pull request for the branch that was pushed. */
  async openPullRequest(pullRequest: PullRequest): Promise<Answer<Publication>> {
    return await this.#settle((await this.#work?.openPullRequest(pullRequest)) ?? { refused: jobNotFound() });
  }

  /** The files that were collected from the Job's workspace, by path. */
  async artifacts(): Promise<Answer<Artifact[]>> {
    const record = this.#record;
    return record === undefined ? { refused: jobNotFound() } : { ok: [...record.artifacts.list()] };
  }

  /** Where one of them is to be had. */
  async findArtifact(path: string): Promise<Answer<ArtifactPlace>> {
    const record = this.#record;
    if (record === undefined) return { refused: jobNotFound() };
    const artifact = record.artifacts.find(path);
    const place = await findAttempt(record.memory, this.#findRunner);
    if (artifact === undefined || place === undefined) return { refused: artifactNotFound(path) };
    return { ok: { artifact, runner: place.runner, url: place.url } };
  }

  /** Lets the Job reach another host from now on. Answers once its runner has that; the event follows. */
  async allowHost(host: string, actor: Actor): Promise<Answer<null>> {
    const record = this.#record;
    if (record === undefined) return { refused: jobNotFound() };
    return await allowHost({ record, attempt: this.#drive() }, { host, actor });
  }

  /** Starts the Job on the offered runner, if it still waits. */
  async offer(offer: Offer): Promise<OfferAnswer> {
    const record = this.#record;
    if (record === undefined || record.state !== JobState.PENDING) return this.#over();
    const { holder, attempts } = record.memory;
    const isElsewhere = holder !== undefined && holder.runner !== offer.runner;
    const boundUntilMs = (holder?.sinceMs ?? 0) + lease.boundMs;
    if (isElsewhere && Date.now() < boundUntilMs)
      return { kind: "bound", runner: holder.runner, untilMs: boundUntilMs };
    const next = startingAt(offer, holder === undefined || isElsewhere ? attempts + 1 : holder.attempt);
    record.setHolder(next);
    return await this.#begin(record, next);
  }

  /** Starts the attempt of a holder that is stored as `starting`. */
  async #begin(record: JobRecord, next: Holder): Promise<OfferAnswer> {
    const started = await this.#drive().start(next);
    if (record.state !== JobState.PENDING || record.memory.holder?.phase !== "starting") return this.#over();
    if (started.kind === "accepted") {
      this.#hold(next);
    } else if (started.kind !== "unanswered") {
      record.setHolder(undefined);
      const { canceler } = record.memory;
      if (started.kind === "impossible") record.finishWith(started.cause, started.message);
      else if (canceler !== undefined) record.finishWith(EndCause.CANCELED, "canceled before it began", canceler);
    }
    if (started.kind !== "accepted") await this.#setAlarm();
    return started;
  }

  /** Tells the fleet what became of the slot that it kept for the new Job. That it runs, the report says. */
  async #tellOfOffer(record: JobRecord, { runner }: Holder, answer: OfferAnswer): Promise<void> {
    if (answer.kind !== "accepted") await this.#fleet().settleOffer(record.memory.job.id, runner, answer);
  }

  /**
   * Goes on with whatever the Job has to do, and answers the number of its attempt, 0 when it has none. `seen` is an attempt
   * that a runner says it holds: one that was started without an answer is thereby found, and its runner's address may
   * have changed.
   */
  async poke(seen: SeenAttempt | undefined): Promise<number> {
    const holder = this.#record?.memory.holder;
    if (seen !== undefined && holder !== undefined && holder.attempt === seen.attempt) {
      const { runner, url } = seen;
      if (holder.phase === "starting") this.#hold({ ...holder, runner, url });
      else if (holder.url !== url || holder.runner !== runner) this.#record?.setHolder({ ...holder, runner, url });
    }
    this.#goOn();
    return this.#record?.memory.holder?.attempt ?? 0;
  }

  /**
   * `/watch?after=N&end=connect|grpc-web`: the events after N as envelopes. `/log?line=N`: those from the one in which
   * line N begins to the newest. 404 when there is no such Job, 416 when N is newer than a finished Job's newest event.
   */
  override async fetch(request: Request): Promise<Response> {
    const record = this.#record;
    if (record === undefined) return new Response(null, { status: 404 });
    const { pathname, searchParams } = new URL(request.url);
    const follow = pathname === "/watch";
    const afterSequence = follow
      ? Number(searchParams.get("after"))
      : (record.log.framesOfLine(Number(searchParams.get("line")))?.first ?? record.log.newest + 1) - 1;
    const finalSequence = () => (isFinal(record.state) ? record.log.newest : undefined);
    if (afterSequence > record.log.newest && !record.isHeld) return new Response(null, { status: 416 });
    this.#goOn();
    const end = searchParams.get("end") === "grpc-web" ? "grpc-web" : "connect";
    return new Response(watchStream(record.log, { afterSequence, end, finalSequence, follow }));
  }

  override async alarm(): Promise<void> {
    const record = this.#record;
    if (record === undefined) return;
    giveUpWaiting(record);
    this.#goOn();
    this.#conversation?.goOn();
    this.#passOnCancel();
    await this.#report();
    await this.#setAlarm();
  }

  readonly #listener = {
    onChanged: () => {
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
      this.ctx.waitUntil(this.#report());
      if (this.#record?.asks.expireMs !== undefined) this.ctx.waitUntil(this.#setAlarm());
    },
    onStored: (sequence: number) => {
      this.ctx.waitUntil((this.#attempt?.acknowledge(sequence) ?? Promise.resolve()).catch(() => undefined));
      // Not earlier: what is written delays what is sent, and until then the fleet's alarm looks after the attempt.
      if (!this.#isWatched) this.ctx.waitUntil(this.#setAlarm());
      this.#isWatched = true;
    },
    // The next life begins with what is stored, and asks the runner again for the rest.
    onBroken: (error: unknown) => this.ctx.abort(`events could not be stored: ${String(error)}`),
  };

  #own(record: JobRecord): void {
    this.#record = record;
    const connect = async (url: string) => {
      const { runnerKeys } = await parseSettings(this.env);
      if (runnerKeys === undefined) throw new Error("RUNNER_SECRET is not set");
      return createRunnerClient(url, runnerKeys[0]);
    };
    const readAttachment: ReadAttachment = (sha256, offset) => this.env.ATTACHMENT.getByName(sha256).read(offset);
    const conversation = new Conversation({
      record,
      connect,
      own: (work) => this.ctx.waitUntil(work),
      report: async (report) => await this.#fleet().reportAsks(report),
    });
    this.#conversation = conversation;
    this.#fleetReport = new FleetReport({
      record,
      conversation,
      report: async (job) => await this.#fleet().report(job),
      onFailed: () => this.#setAlarm(),
    });
    const work = new JobWork({ record, store: this.#store.diff, connect, findRunner: this.#findRunner });
    this.#work = work;
    this.#attempt = new Attempt({
      record,
      connect,
      readAttachment,
      lease,
      jobUrl: () => this.#store.jobUrl(record.memory.job.id),
      keep: (runner, key) => work.keep(runner, key),
      onReached: () => conversation.goOn(),
    });
  }

  readonly #findRunner = async (name: string) => await this.#fleet().runnerUrl(name);

  /** Has a runner forget the Job; answers what it is to be told when it is back, if it cannot be now. */
  async #forgetAt({ runner, url, key }: AttemptPlace): Promise<LeftAttempt | undefined> {
    const left = { runner, attempt: key.attempt };
    if (url === undefined) return left;
    return await this.#drive()
      .forget(url, key)
      .then(
        () => undefined,
        () => left,
      );
  }

  #drive(): Attempt {
    if (this.#attempt === undefined) throw new Error("there is no job here");
    return this.#attempt;
  }

  /** Takes up what an earlier life of this object left off. */
  #goOn(): void {
    const phase = this.#record?.memory.holder?.phase;
    if (phase === "held" || phase === "released")
      this.ctx.waitUntil(
        this.#drive()
          .goOn()
          .catch(() => undefined),
      );
  }

  /** Begins to follow an attempt that a runner has. */
  #hold(holder: Holder): void {
    this.#record?.hold(holder);
    this.#goOn();
  }

  #passOnCancel(): void {
    const { holder, canceler } = this.#record?.memory ?? {};
    if (holder?.phase !== "held" || canceler === undefined) return;
    // The alarm tells the runner again until the Job has ended.
    this.ctx.waitUntil(
      this.#drive()
        .stop()
        .catch(() => undefined),
    );
  }

  /** Answers once the fleet knows what changed, and the alarm is set for what is on its way. */
  async #settle<Answered>(answer: Answered): Promise<Answered> {
    await Promise.all([this.#report(), this.#setAlarm()]);
    return answer;
  }

  #over(): OfferAnswer {
    return { kind: "over", hasEnded: this.#record === undefined || isFinal(this.#record.state) };
  }

  #fleet() {
    return this.env.FLEET.getByName("fleet");
  }

  /** Tells the fleet what changed. A failure is made good by the alarm. */
  async #report(): Promise<void> {
    await this.#fleetReport?.send();
  }

  /** Sees to it that the alarm rings no later than needed. An earlier one stays: it may be the one that woke this object. */
  async #setAlarm(): Promise<void> {
    const wake = this.#record && wakeMs(this.#record, { isReported: this.#fleetReport?.isDue !== true });
    const times = [wake, this.#conversation?.dueMs].filter((time) => time !== undefined);
    if (times.length === 0) return;
    const next = Math.min(...times);
    const set = await this.ctx.storage.getAlarm();
    if (set === null || set > next) await this.ctx.storage.setAlarm(next);
  }
}

function startingAt({ runner, url }: Offer, attempt: number): Holder {
  return { runner, url, attempt, phase: "starting", sinceMs: Date.now() };
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
