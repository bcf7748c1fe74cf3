import { mkdirSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import type { Logger } from "pino";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { problemError } from "#protocol/problem.ts";
import { killSurvivors } from "../process/kill-group.ts";
import { isAlive } from "../process/process-table.ts";
import { removeTree } from "../process/remove-tree.ts";
import { compileCache } from "../supervisor/compile-cache.ts";
import type { HeldJob } from "../supervisor/control.ts";
import {
  createJobDirectory,
  jobsDirectory,
  readEnded,
  readLeader,
  readOwner,
  readStart,
  trashDirectory,
  writeOwner,
} from "../supervisor/job-directory.ts";
import { limitGraceMs, limitsOf } from "../supervisor/limits.ts";
import { markersOf } from "../supervisor/session-directory.ts";
import type { JobSettings } from "../supervisor/settings.ts";
import type { Supervisor, SupervisorPool } from "../supervisor/supervisor-pool.ts";
import type { WorkspacePool } from "../workspace/workspace-pool.ts";
import type { Artifacts } from "./artifacts.ts";
import { Attempt } from "./attempt.ts";
import { cannotStore } from "./disk-refusal.ts";
import { type LeftJob, readLeftJobs } from "./left-jobs.ts";
import type { Sessions } from "./sessions.ts";
import { Slots } from "./slots.ts";

/** What Jobs works with. */
export interface JobsOptions {
  readonly slots: number;
  readonly settings: JobSettings;
  readonly supervisors: Pick<SupervisorPool, "take">;
  readonly sessions: Sessions;
  readonly pool: WorkspacePool;
  readonly artifacts: Artifacts;
  /** Whether a job can use an agent that was started before it. */
  readonly canBeWarm: (request: StartJobRequest) => boolean;
  readonly logger: Logger;
}

/** How a StartJob was answered. */
export interface StartedAttempt {
  readonly slot: number;
  readonly alreadyStarted: boolean;
}

/** The attempts that this runner holds: at most one of each job. */
export class Jobs {
  readonly #options: JobsOptions;
  readonly #attempts = new Map<string, Attempt>();
  readonly #starts = new Map<Attempt, Promise<void>>();
  readonly #releases = new Map<Attempt, Promise<void>>();
  readonly slots: Slots;
  /** True while no new jobs are taken. */
  draining = false;

  constructor(options: JobsOptions) {
    this.#options = options;
    this.slots = new Slots(options.slots);
    for (const directory of [jobsDirectory, trashDirectory]) mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Every attempt held. */
  get all(): readonly Attempt[] {
    return [...this.#attempts.values()];
  }

  /** An attempt by its job and number; NOT_FOUND when it is not the one held. */
  get(jobId: string, number: number): Attempt {
    const attempt = this.#attempts.get(jobId);
    if (attempt?.number === number) return attempt;
    throw problemError({
      code: Code.NotFound,
      reason: ProblemReason.JOB_NOT_FOUND,
      field: "job_id",
      message: `this runner holds no attempt ${number} of ${jobId}`,
      action: "Start the attempt, or count it as lost.",
    });
  }

  /** Whether an attempt was started before. */
  holds({ jobId, attempt }: Pick<StartJobRequest, "jobId" | "attempt">): boolean {
    return this.#attempts.get(jobId)?.number === attempt;
  }

  /** Starts an attempt unless it was started before; resolves once its supervisor has it. */
  async start(request: StartJobRequest): Promise<StartedAttempt> {
    const held = this.#attempts.get(request.jobId);
    if (held?.number === request.attempt) {
      await this.#starts.get(held);
      return { slot: held.slot, alreadyStarted: true };
    }
    if (held !== undefined) {
      if (held.number > request.attempt) throw staleAttempt(request, held);
      await this.release(held);
      return this.start(request);
    }
    const attempt = new Attempt(request, this.#takeSlot(), { isNew: true });
    this.#attempts.set(request.jobId, attempt);
    const start = this.#launch(attempt, request);
    this.#starts.set(attempt, start);
    await start;
    return { slot: attempt.slot, alreadyStarted: false };
  }

  /** Stops an attempt if it still runs, and deletes all of it. */
  async release(attempt: Attempt): Promise<void> {
    const release = this.#releases.get(attempt) ?? this.#remove(attempt).finally(() => this.#releases.delete(attempt));
    this.#releases.set(attempt, release);
    await release;
  }

  /** Releases the attempt of a job unless it is newer than this number. */
  async releaseUpTo(jobId: string, number: number): Promise<void> {
    const attempt = this.#attempts.get(jobId);
    if (attempt !== undefined && attempt.number <= number) await this.release(attempt);
  }

  /** Stops everything and waits for the ends. */
  async stopAll(graceMs: number): Promise<void> {
    this.draining = true;
    for (const attempt of this.all) attempt.stop({ cause: EndCause.RUNNER_STOPPED, actor: null, graceMs });
    await this.untilIdle();
  }

  /** Deletes what outlives attempts once it is too old or too much. */
  sweep(): void {
    const isHeld = (jobId: string) => this.#attempts.has(jobId);
    this.#options.sessions.sweep(isHeld);
    this.#options.artifacts.sweep(isHeld);
  }

  /** Deletes what outlived the attempts of a job, unless one is here again. */
  forget(jobId: string): void {
    if (this.#attempts.has(jobId)) return;
    this.#options.sessions.forget(jobId);
    this.#options.artifacts.forget(jobId);
  }

  /** Waits until nothing runs. */
  async untilIdle(): Promise<void> {
    await Promise.all(this.all.map((attempt) => attempt.untilEnded()));
  }

  /** Takes up what an earlier runner left in the data directory; its supervisors call in by themselves. */
  adopt(): void {
    for (const left of readLeftJobs(this.#options.logger)) this.#adopt(left);
  }

  /** Takes up a running job whose supervisor called. */
  attach(supervisor: Supervisor, { jobId, attempt: number, phase, end }: HeldJob): void {
    const attempt = this.#attempts.get(jobId);
    if (attempt?.number !== number) {
      this.#options.logger.warn({ jobId, attempt: number }, "stopping a supervisor whose attempt is not held");
      supervisor.command({ kind: "stop", stop: { cause: EndCause.RUNNER_STOPPED, actor: null, graceMs: 0 } });
      return;
    }
    this.#options.logger.info({ jobId, attempt: number, newest: end.newestSequence }, "supervisor called in");
    attempt.resume(phase, end);
    this.#follow(attempt, supervisor);
  }

  #takeSlot(): number {
    if (this.draining) throw drainingProblem();
    const slot = this.slots.take();
    if (slot === undefined) throw noFreeSlot(this.slots.count);
    return slot;
  }

  async #launch(attempt: Attempt, request: StartJobRequest): Promise<void> {
    const { jobId, number, slot } = attempt;
    const { settings, supervisors, sessions, canBeWarm, logger } = this.#options;
    const { supervisor, session } = await supervisors.take({ warm: canBeWarm(request) });
    try {
      sessions.open(request, session);
      await createJobDirectory(request, { supervisor: supervisor.process, slot });
    } catch (error) {
      supervisor.command({ kind: "leave" });
      sessions.abandon(request);
      await this.#abandonStart(attempt);
      if (!isSystemError(error)) throw error;
      logger.error({ jobId, attempt: number, err: error }, "the job cannot be stored");
      throw cannotStore("the job", error);
    } finally {
      this.#starts.delete(attempt);
    }
    supervisor.command({ kind: "run", jobId, slot, settings });
    this.#follow(attempt, supervisor);
    attempt.endWithin(this.#longestMs(request) + attempt.stopMarginMs);
    logger.info({ jobId, attempt: number, slot }, "job started");
    void attempt.untilEnded().then(() => this.#onEnded(attempt));
  }

  /** What an attempt may take, besides its margin, that its supervisor keeps within its limits. */
  #longestMs({ spec }: StartJobRequest): number {
    const { taskWallMs } = this.#options.settings;
    const { wallMs } = spec === undefined ? { wallMs: taskWallMs } : limitsOf(spec, taskWallMs);
    return wallMs + limitGraceMs + (spec?.publish === undefined ? 0 : publishMs);
  }

  /** Leaves nothing of an attempt whose supervisor has not heard of it. */
  async #abandonStart(attempt: Attempt): Promise<void> {
    await rm(attempt.directory.root, { recursive: true, force: true }).catch(() => undefined);
    this.#forget(attempt);
    this.slots.free(attempt.slot);
  }

  #follow(attempt: Attempt, supervisor: Supervisor): void {
    attempt.follow(supervisor, () => {
      if (!attempt.ended) this.#own(this.#settle(attempt), attempt);
    });
  }

  #onEnded({ jobId, number, slot, end }: Attempt): void {
    this.slots.free(slot);
    this.#options.logger.info({ jobId, attempt: number, newest: end.newestSequence }, "job ended");
  }

  #adopt({ request, owner, ended }: LeftJob): void {
    const attempt = new Attempt(request, owner.slot, { isNew: false });
    this.#attempts.set(attempt.jobId, attempt);
    if (ended !== undefined) {
      attempt.finish(ended);
      return;
    }
    this.slots.adopt(owner.slot);
    attempt.endWithin(this.#longestMs(request) + attempt.stopMarginMs);
    void attempt.untilEnded().then(() => this.#onEnded(attempt));
    this.#own(this.#settle(attempt), attempt);
  }

  /** Waits until a silent supervisor calls again, or turns out to have ended, or to be dead. */
  async #settle(attempt: Attempt): Promise<void> {
    for (;;) {
      if (attempt.isSupervised || attempt.ended) return;
      // Whether it lives is asked first: what it wrote before its end is there once it is dead.
      const owner = readOwner(attempt.directory);
      const isLost = owner === undefined || !isAlive(owner.supervisor);
      const ended = readEnded(attempt.directory);
      if (ended !== undefined) return attempt.finish(ended);
      if (!isLost) await wait(settleMs);
      else if (await this.#recover(attempt)) return;
      else await wait(retryMs);
    }
  }

  /** Has another supervisor clean up and write the end; false when that could not be begun. */
  async #recover(attempt: Attempt): Promise<boolean> {
    const { jobId, number, slot, directory } = attempt;
    const { supervisors, logger } = this.#options;
    logger.error({ jobId, attempt: number }, "the supervisor died; cleaning up and ending its job");
    const { supervisor } = await supervisors.take();
    try {
      await writeOwner(directory, { supervisor: supervisor.process, slot });
    } catch (error) {
      logger.error({ jobId, attempt: number, err: error }, "the job cannot be recovered yet");
      supervisor.command({ kind: "leave" });
      // The disk is full, and this is all that can be made again. What a supervisor adds meanwhile goes the next time.
      await rm(compileCache, { recursive: true, force: true }).catch(() => undefined);
      return false;
    }
    supervisor.command({ kind: "recover", jobId });
    attempt.enterRecovery();
    attempt.follow(supervisor, () => {
      // When even this fails, the disk may be full: not so fast again.
      if (!attempt.ended)
        this.#own(
          wait(retryMs).then(() => this.#settle(attempt)),
          attempt,
        );
    });
    return true;
  }

  async #remove(attempt: Attempt): Promise<void> {
    attempt.stop({ cause: EndCause.RUNNER_STOPPED, actor: null, graceMs: 0 });
    await this.#starts.get(attempt);
    if (!(await attempt.endsWithin(releaseMs))) await this.#abandon(attempt);
    this.#forget(attempt);
    const request = attempt.hasAgent ? readStart(attempt.directory) : undefined;
    if (request !== undefined) this.#options.sessions.release(request, (jobId) => this.#attempts.has(jobId));
    // Of an agent it is a link: its session has it.
    this.#options.pool.keep(attempt.directory.workspace, attempt.jobId);
    const trash = `${trashDirectory}/${attempt.jobId}-${attempt.number}`;
    await rename(attempt.directory.root, trash);
    this.#own(removeTree(trash), attempt);
    this.#options.logger.info({ jobId: attempt.jobId, attempt: attempt.number }, "job released");
  }

  /** Ends an attempt whose end cannot be written, such as on a full disk. */
  async #abandon(attempt: Attempt): Promise<void> {
    const { jobId, number, directory } = attempt;
    attempt.killSupervisor();
    const request = readStart(directory);
    const markers = request === undefined ? [jobId] : markersOf(request);
    const survivors = await killSurvivors(markers, readLeader(directory));
    this.#options.logger.error(
      { jobId, attempt: number, survivors },
      "the job did not end and is deleted without an end",
    );
    attempt.finish(attempt.end);
  }

  #forget(attempt: Attempt): void {
    if (this.#attempts.get(attempt.jobId) === attempt) this.#attempts.delete(attempt.jobId);
  }

  /** Work that nobody waits for. */
  #own(work: Promise<void>, { jobId, number }: Attempt): void {
    work.catch((error: unknown) =>
      this.#options.logger.error({ jobId, attempt: number, err: error }, "job upkeep failed"),
    );
  }
}

/** For work to be brought to its host. */
const publishMs = 200_000;
/** For the supervisor to end a job that is released, or to be killed and the job to be recovered. */
const releaseMs = 60_000;
const settleMs = 100;
const retryMs = 2000;

function staleAttempt({ jobId, attempt }: StartJobRequest, held: Attempt) {
  return problemError({
    code: Code.FailedPrecondition,
    reason: ProblemReason.STALE_ATTEMPT,
    field: "attempt",
    message: `attempt ${attempt} of ${jobId} is older than attempt ${held.number}, which is here`,
    action: "Drop this attempt.",
  });
}

function drainingProblem() {
  return problemError({
    code: Code.Unavailable,
    reason: ProblemReason.RUNNER_DRAINING,
    message: "the runner drains",
    action: "Use another runner, or wait until it takes jobs again.",
  });
}

function isSystemError(error: unknown): error is Error {
  return error instanceof Error && "syscall" in error;
}

function noFreeSlot(count: number) {
  return problemError({
    code: Code.ResourceExhausted,
    reason: ProblemReason.NO_FREE_SLOT,
    message: `every slot is taken (${count})`,
    action: "Try again when a job has ended.",
  });
}
