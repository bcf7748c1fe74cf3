import { mkdirSync } from "node:fs";
import { Code } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { problemError } from "#protocol/problem.ts";
import { killSurvivors } from "../process/kill-group.ts";
import {
  findSession,
  giveBackSession,
  isWarm,
  listSessions,
  readSession,
  type SessionRecord,
  sessionKey,
  sessionKeys,
  sessionPaths,
  sessionRoot,
  sessionsDirectory,
  takenSession,
  writeSession,
} from "../supervisor/session-directory.ts";
import { workspaceRecordName } from "../supervisor/workspace-record.ts";
import type { WorkspacePool } from "../workspace/workspace-pool.ts";
import { discardToTrash } from "./trash.ts";

/** How long sessions are kept for jobs that continue them. */
export interface SessionLimits {
  readonly keepMs: number;
  /** How many; the oldest go first. */
  readonly maxKept: number;
}

/** What agents of ended jobs left for jobs that continue them. */
export class Sessions {
  readonly #limits: SessionLimits;
  readonly #workspaces: WorkspacePool;
  readonly #now: () => number;

  /** What a session worked in goes to the pool in the end. */
  constructor(limits: SessionLimits, workspaces: WorkspacePool, now: () => number) {
    this.#limits = limits;
    this.#workspaces = workspaces;
    this.#now = now;
    mkdirSync(sessionsDirectory, { recursive: true, mode: 0o700 });
  }

  /**
   * Gives a job the session that it continues, once; throws when it cannot have it. One that begins its own finds none,
   * unless it gets the one of an agent that was started before it.
   */
  open(request: StartJobRequest, warm: string | undefined): void {
    const { jobId, continues } = request;
    if (continues === "") this.#discard(jobId);
    if (warm !== undefined) writeSession(warm, { ...untouched, endedMs: this.#now(), takers: { [continues]: jobId } });
    if (continues === "" || request.spec?.work.case !== "agent") return;
    const found = findSession(({ jobId: last, takers }) => last === continues || continues in takers);
    const taker = found?.record.takers[continues];
    if (taker === jobId) return;
    if (taker !== undefined) throw sessionLost(`the session of ${continues} went on in ${taker}`);
    if (found === undefined || this.#isOld(found.record)) throw sessionLost(this.#whyGone(continues));
    const takers = { ...found.record.takers, [continues]: jobId };
    writeSession(found.key, { ...found.record, takers });
  }

  /** Undoes `open` for a job that could not be started. */
  abandon(request: StartJobRequest): void {
    if (request.continues !== "") giveBackSession(request);
    else this.#discard(sessionKey(request));
  }

  /** Keeps what an agent's released job leaves if another can go on with it; of the rest only who had it. */
  release(request: StartJobRequest, isHeld: (jobId: string) => boolean): void {
    const { jobId, continues } = request;
    const key = takenSession(request) ?? (continues === "" ? jobId : undefined);
    const record = key === undefined ? undefined : readSession(key);
    if (key === undefined || record === undefined) this.#discard(jobId);
    else if (!hasBegun(record)) this.#discard(key);
    else if (takerOf(record) === jobId) this.#empty(key);
    this.sweep(isHeld);
  }

  /** Deletes what a released job left, unless another job has gone on with it. */
  forget(jobId: string): void {
    const found = findSession((record) => record.jobId === jobId && takerOf(record) === "");
    if (found !== undefined) this.#discard(found.key);
  }

  /** Deletes what is too old or too much, but nothing that a job works in. */
  sweep(isHeld: (jobId: string) => boolean): void {
    for (const key of sessionKeys()) {
      const record = readSession(key);
      // One that no job has taken from its agent yet is not to be swept.
      const isUnused =
        record === undefined ? !isWarm(key) && !isHeld(key) : !hasBegun(record) && !isHeld(takerOf(record));
      if (isUnused) this.#discard(key);
    }
    const idle = listSessions()
      .filter(({ record }) => hasBegun(record) && !isHeld(record.jobId) && !isHeld(takerOf(record)))
      .toSorted((a, b) => b.record.endedMs - a.record.endedMs);
    for (const [index, { key, record }] of idle.entries()) {
      if (index >= this.#limits.maxKept || this.#isOld(record)) this.#discard(key);
    }
  }

  /** Leaves nothing of a session whose agent was started before a job came, unless a job has taken it. */
  async clearWarm(key: string): Promise<void> {
    if (readSession(key) !== undefined) return;
    await killSurvivors([key], undefined);
    this.#discard(key);
  }

  /** Clears all of them: an earlier runner's. */
  async clearLeftWarm(): Promise<void> {
    await Promise.all(
      sessionKeys()
        .filter(isWarm)
        .map((key) => this.clearWarm(key)),
    );
  }

  #isOld({ endedMs }: SessionRecord): boolean {
    return this.#now() - endedMs >= this.#limits.keepMs;
  }

  #whyGone(jobId: string): string {
    const { keepMs, maxKept } = this.#limits;
    const kept = `they are kept for ${keepMs / 3_600_000} h, at most ${maxKept} of them`;
    return `the session of ${jobId} is not on this runner any more, or never was; ${kept}`;
  }

  #empty(key: string): void {
    this.#keepWorkspace(key);
    for (const name of ["workspace", workspaceRecordName, "home", "attachments"])
      discardToTrash(`${sessionRoot(key)}/${name}`);
  }

  #discard(key: string): void {
    this.#keepWorkspace(key);
    discardToTrash(sessionRoot(key));
  }

  #keepWorkspace(key: string): void {
    this.#workspaces.keep(sessionPaths(key).workspace, key);
  }
}

/** What is known of a session before its first job has ended. */
const untouched = { jobId: "", agent: "", sessionId: "", repoRef: "", commit: "" };

/** Whether a job has ended in it. */
function hasBegun({ jobId }: SessionRecord): boolean {
  return jobId !== "";
}

/** The job that has it now; empty for none. */
function takerOf({ jobId, takers }: SessionRecord): string {
  return takers[jobId] ?? "";
}

function sessionLost(message: string) {
  return problemError({
    code: Code.FailedPrecondition,
    reason: ProblemReason.SESSION_LOST,
    field: "continues",
    message,
    action: "Create a job that begins afresh, or continue the newest job of the session.",
  });
}
