/** One Job as its JobObject knows it: the resource, the memory beside it, and its events. Sole writer of all three. */
import { create, equals } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type AttemptEnded, type JobEvent, LogPositionSchema } from "#gen/job/v1/job_event_pb.js";
import {
  type Actor,
  ActorKind,
  ActorSchema,
  type EndCause,
  type Job,
  JobPhase,
  JobSchema,
  type JobSpec,
  JobState,
  type JobStatus,
  JobStatusSchema,
  LogTotalsSchema,
  type Outcome,
  OutcomeSchema,
  type PendingDetail,
  PendingReason,
  type PermissionMode,
  type Publication,
  PublicationSchema,
} from "#gen/job/v1/job_pb.js";
import { encodeBatch, eventAt, logPositionAfter } from "#protocol/batch.ts";
import { encodeEnvelope, messageFlag } from "#protocol/envelope.ts";
import { isLooser } from "#protocol/permission-mode.ts";
import type { Artifacts } from "./artifacts.ts";
import { Asks } from "./asks.ts";
import { ContractBroken } from "./event-intake.ts";
import { FrameLog } from "./frame-log.ts";
import { fieldsAfter, firstFields } from "./job-facts.ts";
import { finalState, isFinal, mayMove, runnerMayReport } from "./job-state.ts";
import type { Frames, Holder, JobStore, Memory } from "./job-store.ts";
import { Messages } from "./messages.ts";

/** What a new Job is made from. */
export interface JobInit {
  readonly id: string;
  readonly spec: JobSpec;
  readonly requestDigest: Uint8Array;
  readonly creator: Actor;
  readonly retryOf: string;
  readonly continues: string;
  readonly continuesTurn: number;
  /** Where its creator reached the gateway: links to it begin with that. */
  readonly origin: string;
}

/** What an event tells. */
type Payload = Parameters<typeof eventAt>[1];

/** Hears what concerns others than the record itself. */
export interface JobRecordListener {
  /** The Job changed in a way that lists show. */
  onChanged(): void;
  /** Events up to this number became durable. */
  onStored(sequence: number): void;
  /** Something could not be stored, so that memory is ahead of it: this life must end. */
  onBroken(error: unknown): void;
}

/** The gateway itself, as an actor. */
export const gatewayActor = create(ActorSchema, { kind: ActorKind.GATEWAY });

export class JobRecord {
  readonly log: FrameLog;
  readonly asks: Asks;
  readonly messages: Messages;
  readonly artifacts: Artifacts;
  readonly #store: JobStore;
  readonly #listener: JobRecordListener;
  #memory: Memory;
  /** What was stored last, to tell whether anything has changed since. */
  #saved: Memory | undefined;

  /** Opens a stored Job. */
  constructor(store: JobStore, memory: Memory, listener: JobRecordListener) {
    this.#store = store;
    this.#memory = memory.holder === undefined ? memory : aboveWhatWasTold(memory);
    this.#listener = listener;
    this.asks = new Asks(store.asks);
    this.messages = new Messages(store.messages);
    this.artifacts = store.artifacts;
    this.log = new FrameLog(store, {
      onStore: () => this.#saveIfChanged(),
      onStored: (sequence) => listener.onStored(sequence),
      onBroken: (error) => listener.onBroken(error),
    });
  }

  /** Stores a new Job with its first event, and where it begins, if a slot is free. */
  static create(
    store: JobStore,
    { holder, ...init }: JobInit & { readonly holder: Holder | undefined },
    listener: JobRecordListener,
  ): JobRecord {
    const status = create(JobStatusSchema, { state: JobState.PENDING, detail: { case: "pending", value: {} } });
    const { id, spec, creator, retryOf, continues, continuesTurn } = init;
    const origin = { creator, retryOf, continues, continuesTurn };
    const job = create(JobSchema, {
      id,
      createTime: now(),
      status,
      spec,
      ...origin,
      ...firstFields(spec),
      revision: 1,
    });
    const memory = {
      job,
      requestDigest: init.requestDigest,
      holder,
      canceler: undefined,
      attempts: holder?.attempt ?? 0,
      indexedRevision: 0,
    };
    const record = new JobRecord(store, memory, listener);
    store.transaction(() => {
      record.#write({ case: "stateChanged", value: { status, actor: creator } });
      store.save(memory);
      store.saveOrigin(init.origin);
    });
    return record;
  }

  /** What is remembered beside the Job. */
  get memory(): Memory {
    return this.#memory;
  }

  get state(): JobState {
    return this.#memory.job.status?.state ?? JobState.UNSPECIFIED;
  }

  /** True while a runner numbers the events. */
  get isHeld(): boolean {
    const phase = this.#memory.holder?.phase;
    return phase === "starting" || phase === "held";
  }

  /** The Job as it stands this moment. */
  view(): Job {
    const { job } = this.#memory;
    const log = isFinal(this.state) ? job.log : create(LogTotalsSchema, this.#logTotals());
    return { ...job, newestSequence: this.log.newest, ...(log === undefined ? {} : { log }) };
  }

  /** Remembers where the attempt is, or that it is nowhere. */
  setHolder(holder: Holder | undefined): void {
    const attempts = Math.max(this.#memory.attempts, holder?.attempt ?? 0);
    this.#save({ ...this.#memory, holder, attempts });
  }

  /**
   * Takes the attempt of a `starting` holder as held. It is stored with the first events: nothing is sent later for its
   * sake, and a life that ends before finds the attempt again by the number that is stored already.
   */
  hold(holder: Holder): void {
    this.#memory = { ...this.#memory, holder: { ...holder, phase: "held", sinceMs: Date.now() } };
  }

  /** Remembers who wants the Job stopped; the first one counts. */
  setCanceler(actor: Actor): void {
    this.#save({ ...this.#memory, canceler: this.#memory.canceler ?? actor });
  }

  /** Remembers what the fleet knows. Stored with the next events: to tell it twice is harmless. */
  setIndexedRevision(indexedRevision: number): void {
    if (isFinal(this.state)) this.#save({ ...this.#memory, indexedRevision });
    else this.#memory = { ...this.#memory, indexedRevision };
  }

  /** Marks whether the runner has fallen silent. */
  setSuspect(suspect: boolean): void {
    if (this.#memory.job.suspect !== suspect && !isFinal(this.state)) this.#change({ suspect });
  }

  /** Notes why the Job still waits, as an event, unless a runner has the pen or the reason is the one already noted. */
  setPending(pending: PendingDetail): void {
    const { status } = this.#memory.job;
    if (this.isHeld || status?.state !== JobState.PENDING || status.detail.case !== "pending") return;
    const { reason } = pending;
    if (status.detail.value.reason === reason || reason === PendingReason.DISPATCHING) return;
    const changed = create(JobStatusSchema, { state: JobState.PENDING, detail: { case: "pending", value: pending } });
    this.#transact(() => {
      this.#write({ case: "stateChanged", value: { status: changed, actor: gatewayActor } });
      this.#change({ status: changed });
    });
  }

  /**
   * Takes a run of frames from the runner and what follows from them. Both are stored together a little later: the runner
   * still has them, and a write now would hold up what is sent to watchers. Returns how the attempt ended, once it did.
   */
  take(frames: Frames, notable: readonly JobEvent[]): AttemptEnded | undefined {
    if (frames.first !== this.log.newest + 1) {
      throw new ContractBroken(`event ${frames.first} came behind ${this.log.newest}`);
    }
    this.log.append(frames);
    const { job } = this.#memory;
    const before = job.revision;
    const ended = notable.reduce<AttemptEnded | undefined>((found, event) => this.#apply(event) ?? found, undefined);
    this.#countAsks();
    this.#tellChange(before);
    return ended;
  }

  /**
   * Changes asks or messages, and stores that durably. What it writes becomes an event if the pen is here; otherwise the
   * runner, once it has been told, writes it.
   */
  commit<Result>(change: (write: (payload: Payload) => void) => Result): Result {
    const before = this.#memory.job.revision;
    const result = this.#transact(() => {
      const changed = change((payload) => (this.isHeld ? undefined : this.#write(payload)));
      this.#countAsks();
      this.#saveIfChanged();
      return changed;
    });
    this.#tellChange(before);
    return result;
  }

  /** Changes what the agent of a Job that no runner holds may do unasked. */
  setPermissionMode(mode: PermissionMode, actor: Actor): void {
    const { permissionMode: previousMode } = this.#memory.job;
    if (mode === previousMode) return;
    const loosened = isLooser(mode, previousMode);
    const value = { mode, previousMode, actor, loosened };
    this.#transact(() => {
      this.#write({ case: "agent", value: { event: { case: "permissionModeChanged", value } } });
      this.#change({ permissionMode: mode });
    });
  }

  /** Notes what the Job's host has now; while a runner holds the pen, its event tells. */
  setPublication(publication: Publication): void {
    const known = this.#memory.job.publication;
    const isNews = known === undefined || !equals(PublicationSchema, known, publication);
    if (!this.isHeld && isNews) this.#transact(() => this.#change({ publication }));
  }

  /** Makes the Job final: takes the pen back and writes the last event. */
  finish(outcome: Outcome, result: string): void {
    const { holder } = this.#memory;
    const status = create(JobStatusSchema, {
      state: finalState(outcome.cause),
      detail: { case: "outcome", value: outcome },
    });
    if (!mayMove(this.state, status.state)) throw new Error(`a job cannot go from ${this.state} to ${status.state}`);
    this.#transact(() => {
      for (const value of this.asks.withdrawAll()) this.#write({ case: "ask", value });
      for (const value of this.messages.endAll()) this.#write({ case: "message", value });
      this.#write({ case: "stateChanged", value: { status, actor: outcome.actor ?? gatewayActor } });
      const released = holder === undefined ? undefined : { ...holder, phase: "released" as const };
      this.#memory = { ...this.#memory, holder: released };
      const log = create(LogTotalsSchema, this.#logTotals());
      this.#change({ status, result, log, endTime: now(), phase: JobPhase.UNSPECIFIED, suspect: false, openAsks: 0 });
    });
  }

  /** Ends the Job without an attempt's report. */
  finishWith(cause: EndCause, message: string, actor?: Actor): void {
    this.finish(create(OutcomeSchema, { cause, message, ...(actor === undefined ? {} : { actor }) }), "");
  }

  #apply(event: JobEvent): AttemptEnded | undefined {
    const { time, payload } = event;
    const fields = fieldsAfter(this.#memory.job, event);
    if (fields !== undefined) this.#memory = this.#changed(fields);
    if (payload.case === "stateChanged") this.#applyState(payload.value.status, payload.value.placement, time);
    if (payload.case === "ask") this.asks.take({ ...payload.value, jobId: this.#memory.job.id });
    if (payload.case === "message") this.messages.take(payload.value);
    if (payload.case === "workspace" && payload.value.event.case === "artifact")
      this.artifacts.take(payload.value.event.value);
    return payload.case === "attemptEnded" ? payload.value : undefined;
  }

  #applyState(status: JobStatus | undefined, placement: Job["placement"], time: Timestamp | undefined): void {
    const { job } = this.#memory;
    // A report that is repeated or makes no sense from here changes nothing.
    if (status === undefined || !runnerMayReport(status.state) || !mayMove(this.state, status.state)) return;
    this.#memory = this.#changed({
      status,
      ...(placement === undefined ? {} : { placement }),
      ...(job.startTime !== undefined || time === undefined ? {} : { startTime: time }),
    });
  }

  #logTotals(): { bytes: bigint; lines: number } {
    const { stdoutOffset, stderrOffset, lines } = this.#logPosition();
    return { bytes: stdoutOffset + stderrOffset, lines };
  }

  #logPosition() {
    const newest = this.log.readAfter(this.log.newest - 1);
    return newest === undefined ? create(LogPositionSchema) : logPositionAfter(newest.bytes);
  }

  /** Numbers and appends an event of the gateway's own. */
  #write(payload: Payload): void {
    const log = this.#logPosition();
    const sequence = this.log.newest + 1;
    const message = encodeBatch({ firstSequence: sequence, log, events: [eventAt(Date.now(), payload)] });
    this.log.append({ first: sequence, last: sequence, lines: log.lines, bytes: encodeEnvelope(messageFlag, message) });
    this.log.flush();
  }

  #change(fields: Partial<Job>): void {
    this.#save(this.#changed(fields));
  }

  #changed(fields: Partial<Job>): Memory {
    const { job } = this.#memory;
    return { ...this.#memory, job: { ...job, ...fields, revision: job.revision + 1 } };
  }

  /** Stores events and what follows from them together. */
  #transact<Result>(write: () => Result): Result {
    try {
      const result = this.#store.transaction(() => {
        this.log.flush();
        return write();
      });
      this.#listener.onStored(this.log.stored);
      return result;
    } catch (error) {
      this.#listener.onBroken(error);
      throw error;
    }
  }

  #save(memory: Memory): void {
    const isChanged = memory.job.revision !== memory.indexedRevision;
    this.#memory = memory;
    this.#saveIfChanged();
    if (isChanged) this.#listener.onChanged();
  }

  #countAsks(): void {
    const { openCount: openAsks } = this.asks;
    if (openAsks !== this.#memory.job.openAsks) this.#memory = this.#changed({ openAsks });
  }

  #tellChange(revisionBefore: number): void {
    const isChanged = this.#memory.job.revision !== revisionBefore || this.asks.unindexed.length > 0;
    if (isChanged) this.#listener.onChanged();
  }

  #saveIfChanged(): void {
    this.asks.save();
    this.messages.save();
    this.artifacts.save();
    if (this.#saved === this.#memory) return;
    this.#store.save(this.#memory);
    this.#saved = this.#memory;
  }
}

/** An earlier life may have told revisions that it did not get to store; this one must not tell others by their numbers. */
function aboveWhatWasTold(memory: Memory): Memory {
  return { ...memory, job: { ...memory.job, revision: memory.job.revision + 256 } };
}

function now(): Timestamp {
  return timestampFromMs(Date.now());
}
