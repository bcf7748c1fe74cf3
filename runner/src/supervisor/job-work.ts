import { toJson } from "@bufbuild/protobuf";
import { DiffSchema } from "#gen/job/v1/job_service_pb.js";
import type { EventPayload } from "../executor/executor.ts";
import { type Author, type Checkpoint, makeCheckpoint } from "../workspace/checkpoint.ts";
import { countChanges, readDiff } from "../workspace/diff.ts";
import type { GitContext } from "../workspace/git.ts";
import { listChanges } from "../workspace/list-changes.ts";
import { type Snapshot, takeSnapshot } from "../workspace/snapshot.ts";
import type { CallAnswer, WorkWish } from "./control.ts";
import { readWorkspaceRecord, type WorkspaceRecord, writeWorkspaceRecord } from "./workspace-record.ts";

/** What is needed to look after the work in a workspace. */
export interface JobWorkOptions {
  readonly jobId: string;
  /** Absolute path. */
  readonly workspace: string;
  /** Git in the workspace, behind the job's walls, ended by this signal. */
  readonly git: (signal: AbortSignal) => GitContext;
  readonly author: Author;
}

/** What a job has made of its workspace: shown, recorded turn by turn, and counted. One thing is done after the other. */
export class JobWork {
  readonly #options: JobWorkOptions;
  #queue: Promise<unknown> = Promise.resolve();
  #turns = 0;

  constructor(options: JobWorkOptions) {
    this.#options = options;
  }

  /** Says that a repository is checked out, and for whom. Until then, and without one, there is nothing to show. */
  begin(record: WorkspaceRecord): void {
    writeWorkspaceRecord(this.#options.workspace, record);
  }

  /** Records the work as it stands now that the agent has ended another turn. */
  turnEnded(emit: Emit): void {
    this.#turns += 1;
    const turn = this.#turns;
    void this.#next((record) => this.#checkpoint(record, turn, emit)).catch(ignore);
  }

  /** Settles once every turn that has ended is recorded; undefined when there is nothing to record. */
  get recording(): Promise<void> | undefined {
    return this.#record === undefined ? undefined : this.#queue.then(ignore);
  }

  /** Counts what was changed, now that nothing more will be. */
  async conclude(emit: Emit): Promise<void> {
    await this.#next((record) => this.#countAll(record, emit)).catch(ignore);
  }

  /** Does what people want of it. */
  answer(wish: WorkWish): Promise<CallAnswer> {
    return this.#next((record) => this.#diff(record, wish)).catch((error: unknown) =>
      refused("failed", error instanceof Error ? error.message : String(error)),
    );
  }

  get #record(): WorkspaceRecord | undefined {
    const record = readWorkspaceRecord(this.#options.workspace);
    // Before a session goes on, it is that of the job before.
    return record?.jobId === this.#options.jobId ? record : undefined;
  }

  async #diff(record: WorkspaceRecord | undefined, wish: WorkWish): Promise<CallAnswer> {
    const { fromTurn, toTurn, path, statOnly } = wish;
    if (record === undefined) return refused("not-ready", "the workspace is not checked out yet");
    const missing = [fromTurn, toTurn].find((turn) => turn > 0 && findTurn(record, turn) === undefined);
    if (missing !== undefined) return refused("no-turn", `no turn ${missing} of the agent was recorded`);
    const git = this.#git(diffMs);
    const to = findTurn(record, toTurn)?.commit ?? (await this.#tree(git));
    if (to === undefined) return refused("failed", "the workspace cannot be read");
    const from = findTurn(record, fromTurn)?.commit ?? record.baseCommit;
    const result = await readDiff(git, { from, to, path, statOnly });
    if (result.kind === "failed") return refused("failed", result.problem);
    return { kind: "diff", diff: toJson(DiffSchema, result.diff) };
  }

  async #tree(git: GitContext): Promise<string | undefined> {
    const taken = await takeSnapshot(git);
    return taken.kind === "taken" ? taken.snapshot.tree : undefined;
  }

  async #checkpoint(record: WorkspaceRecord | undefined, turn: number, emit: Emit): Promise<void> {
    if (record === undefined) return;
    const git = this.#git(checkpointMs);
    const taken = await takeSnapshot(git);
    if (taken.kind === "failed") return;
    const made = await makeCheckpoint(git, taken.snapshot, { turn, author: this.#options.author });
    if (made.kind === "failed") return;
    const { checkpoint } = made;
    writeWorkspaceRecord(this.#options.workspace, { ...record, checkpoints: [...record.checkpoints, checkpoint] });
    const diffstat = await this.#count(git, record, taken.snapshot);
    const value = { commit: checkpoint.commit, turn, ...(diffstat && { diffstat }) };
    emit({ case: "workspace", value: { event: { case: "checkpoint", value } } });
  }

  async #countAll(record: WorkspaceRecord | undefined, emit: Emit): Promise<void> {
    if (record === undefined) return;
    const git = this.#git(countMs);
    const taken = await takeSnapshot(git);
    const value = taken.kind === "taken" ? await this.#count(git, record, taken.snapshot) : undefined;
    if (value !== undefined) emit({ case: "workspace", value: { event: { case: "diffstat", value } } });
  }

  async #count(git: GitContext, { baseCommit: from }: WorkspaceRecord, { tree: to }: Snapshot) {
    const listed = await listChanges(git, { from, to });
    return listed.kind === "listed" ? countChanges(listed.files) : undefined;
  }

  #git(ms: number): GitContext {
    return this.#options.git(AbortSignal.timeout(ms));
  }

  #next<Result>(work: (record: WorkspaceRecord | undefined) => Promise<Result>): Promise<Result> {
    const result = this.#queue.then(() => work(this.#record));
    this.#queue = result.catch(ignore);
    return result;
  }
}

type Emit = (payload: EventPayload) => void;

/** Together less than what a supervisor may take to end a job that is stopped. */
const checkpointMs = 15_000;
const countMs = 10_000;
const diffMs = 25_000;

/** What fails here, such as because a job has broken its repository, is no reason for the job to fail. */
function ignore(): void {}

function findTurn({ checkpoints }: WorkspaceRecord, turn: number): Checkpoint | undefined {
  return checkpoints.find((checkpoint) => checkpoint.turn === turn);
}

function refused(refusal: "failed" | "not-ready" | "no-turn", message: string): CallAnswer {
  return { kind: "refused", refusal, message };
}
