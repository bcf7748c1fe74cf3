import { setTimeout as wait } from "node:timers/promises";
import { JobPhase } from "#gen/job/v1/job_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { killProcess } from "../process/kill-group.ts";
import type { SpoolEnd } from "../spool/segments.ts";
import { freeSegments, oldestSequence } from "../spool/spool-reader.ts";
import type { StopOrder } from "../supervisor/control.ts";
import { Deadline } from "../supervisor/deadline.ts";
import { type JobDirectory, jobDirectory, readOwner } from "../supervisor/job-directory.ts";
import { collectingMs } from "../supervisor/limits.ts";
import type { Supervisor } from "../supervisor/supervisor-pool.ts";
import { SupervisorCalls } from "./supervisor-calls.ts";

/** One attempt that this runner holds, as far as it has heard from its supervisor. */
export class Attempt {
  readonly jobId: string;
  readonly number: number;
  readonly slot: number;
  readonly firstSequence: number;
  readonly directory: JobDirectory;
  /** False for a task, which nobody can steer. */
  readonly hasAgent: boolean;
  readonly calls = new SupervisorCalls();
  /** What its supervisor may take, besides the grace, to end it once it was told to. */
  readonly stopMarginMs: number;
  readonly #listeners = new Set<() => void>();
  readonly #deadline = new Deadline(() => this.killSupervisor());
  #supervisor: Supervisor | undefined;
  #inRecovery = false;
  #stop: StopOrder | undefined;
  #phase = JobPhase.PREPARING;
  #end: SpoolEnd;
  #ended = false;
  #heard: boolean;
  #storedSequence = 0;

  /** An attempt that is taken up after a restart is not known to any depth until its supervisor was heard. */
  constructor({ jobId, attempt, firstSequence, spec }: StartJobRequest, slot: number, { isNew }: { isNew: boolean }) {
    this.stopMarginMs = stopMarginMs + (spec === undefined ? 0 : collectingMs(spec));
    this.hasAgent = spec?.work.case === "agent";
    this.#heard = isNew;
    this.jobId = jobId;
    this.number = attempt;
    this.slot = slot;
    this.firstSequence = firstSequence;
    this.directory = jobDirectory(jobId);
    this.#end = { newestSequence: firstSequence - 1, bytes: 0 };
  }

  /** What it is busy with; unspecified once it ended. */
  get phase(): JobPhase {
    return this.#ended ? JobPhase.UNSPECIFIED : this.#phase;
  }

  /** How far its spool is written. */
  get end(): SpoolEnd {
    return this.#end;
  }

  /** True once its last event is spooled. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Number of the newest event that is durable at the gateway. */
  get storedSequence(): number {
    return this.#storedSequence;
  }

  /** Number of the oldest event that is kept; 0 when there is none. */
  get oldestSequence(): number {
    return this.#end.bytes === 0 ? 0 : oldestSequence(this.directory.spool);
  }

  /** True while a supervisor is on the line. */
  get isSupervised(): boolean {
    return this.#supervisor !== undefined;
  }

  /** Follows the supervisor that holds this attempt; `cut` is called when its line is. */
  follow(supervisor: Supervisor, cut: () => void): void {
    this.#supervisor = supervisor;
    this.calls.connect(supervisor);
    supervisor.listen({
      report: (report) => {
        switch (report.kind) {
          case "appended":
            this.moveTo(report.end);
            return;
          case "phase":
            this.#phase = report.phase;
            return;
          case "answered":
            this.calls.answered(report);
            return;
          case "ended":
            this.finish(report.end);
            return;
          default:
            report satisfies never;
        }
      },
      cut: () => {
        if (this.#supervisor === supervisor) this.#supervisor = undefined;
        this.calls.cut(supervisor);
        cut();
      },
    });
    if (this.#stop !== undefined) supervisor.command({ kind: "stop", stop: this.#stop });
  }

  /** Says what its supervisor said of it. */
  resume(phase: JobPhase, end: SpoolEnd): void {
    this.#phase = phase;
    this.moveTo(end);
  }

  /** Has it stopped, now or as soon as its supervisor is on the line again. */
  stop(order: StopOrder): void {
    if (this.#ended) return;
    this.#stop ??= order;
    this.#supervisor?.command({ kind: "stop", stop: order });
    // Recovery is ending the job already, and has a time of its own.
    if (!this.#inRecovery) this.endWithin(order.graceMs + this.stopMarginMs);
  }

  /** Has its supervisor killed when it has not ended within this time: that one may not act any more. */
  endWithin(ms: number): void {
    if (!this.#ended) this.#deadline.within(ms);
  }

  /** Says that its next supervisor only ends it. */
  enterRecovery(): void {
    this.#inRecovery = true;
    this.#deadline.clear();
    this.endWithin(recoveryMs);
  }

  /** Kills whoever owns it on record, also when that one never called. Once it ended, that one may have another job. */
  killSupervisor(): void {
    if (this.#ended) return;
    const owner = readOwner(this.directory);
    if (owner !== undefined) killProcess(owner.supervisor);
  }

  /** Says that its spool is written to here. */
  moveTo(end: SpoolEnd): void {
    this.#heard = true;
    this.#end = end;
    this.#tell();
  }

  /** Says that it has ended, and where. */
  finish(end: SpoolEnd): void {
    this.#heard = true;
    this.#end = end;
    this.#ended = true;
    this.#supervisor = undefined;
    this.calls.end();
    this.#deadline.clear();
    this.#tell();
  }

  /** Frees the spool of what is durable elsewhere. */
  acknowledge(sequence: number): void {
    if (sequence <= this.#storedSequence) return;
    this.#storedSequence = Math.min(sequence, this.#end.newestSequence);
    if (this.#end.bytes > 0) freeSegments(this.directory.spool, this.#storedSequence);
  }

  /** Calls back whenever more is spooled or the attempt ends; answers how to end that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Waits until it is known how far its spool is written. */
  untilHeard(): Promise<void> {
    return this.#until(() => this.#heard);
  }

  /** Waits for its end. */
  untilEnded(): Promise<void> {
    return this.#until(() => this.#ended);
  }

  /** Waits for its end, but no longer than this; answers whether it came. */
  async endsWithin(ms: number): Promise<boolean> {
    const timer = new AbortController();
    const over = wait(ms, false, { signal: timer.signal }).catch(() => false);
    const ended = await Promise.race([this.untilEnded().then(() => true), over]);
    timer.abort();
    return ended;
  }

  async #until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve) => {
      const unsubscribe = this.subscribe(() => {
        if (!condition()) return;
        unsubscribe();
        resolve();
      });
    });
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Without artifacts to collect. */
const stopMarginMs = 30_000;
/** Enough to read the largest spool from a slow disk. */
const recoveryMs = 600_000;
