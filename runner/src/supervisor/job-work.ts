import { fromJson, toJson } from "@bufbuild/protobuf";
import {
  BranchSchema,
  type Publication,
  PublicationSchema,
  type Publish,
  PullRequestSchema,
} from "#gen/job/v1/job_pb.js";
import { DiffSchema } from "#gen/job/v1/job_service_pb.js";
import type { EventPayload } from "../executor/executor.ts";
import type { Redaction } from "../spool/redact.ts";
import { redactMessage } from "../spool/redact-message.ts";
import { type Author, type Checkpoint, makeCheckpoint } from "../workspace/checkpoint.ts";
import type { CredentialStore } from "../workspace/credentials.ts";
import { countChanges, readDiff } from "../workspace/diff.ts";
import type { GitContext } from "../workspace/git.ts";
import { listChanges } from "../workspace/list-changes.ts";
import { type Snapshot, takeSnapshot } from "../workspace/snapshot.ts";
import type { WorkspaceEvent, WorkspaceSettings } from "../workspace/workspace.ts";
import type { CallAnswer, WorkRefusal, WorkWish } from "./control.ts";
import { readWorkspaceRecord, type WorkspaceRecord, writeWorkspaceRecord } from "./workspace-record.ts";

/** What is needed to look after the work in a workspace. */
export interface JobWorkOptions {
  readonly jobId: string;
  /** Absolute path. */
  readonly workspace: string;
  /** Git in the workspace, behind the job's walls, ended by this signal. */
  readonly git: (signal: AbortSignal) => GitContext;
  /** Git that may talk to the repository's host, and sees nothing of the job. */
  readonly hostGit: (signal: AbortSignal) => GitContext;
  readonly credentials: CredentialStore;
  readonly settings: WorkspaceSettings;
  readonly author: Author;
  /** Hides secrets in what is shown of it. */
  readonly redaction: Redaction;
  /** Hears what happens to it. */
  readonly emit: (payload: EventPayload) => void;
}

/** What a job has made of its workspace: shown, recorded turn by turn, and published. One thing is done after the other. */
export class JobWork {
  readonly #options: JobWorkOptions;
  #queue: Promise<unknown> = Promise.resolve();
  #turns = 0;

  constructor(options: JobWorkOptions) {
    this.#options = options;
  }

  /** Says that a repository is checked out, and for whom. Until then, and without one, there is nothing to show. */
  begin(record: WorkspaceRecord): void {
    this.#write(record);
  }

  /** Records the work as it stands now that the agent has ended another turn. */
  turnEnded(): void {
    this.#turns += 1;
    const turn = this.#turns;
    void this.#next((record) => this.#checkpoint(record, turn)).catch(ignore);
  }

  /** Settles once every turn that has ended is recorded; undefined when there is nothing to record. */
  get recording(): Promise<void> | undefined {
    return this.#record === undefined ? undefined : this.#queue.then(ignore);
  }

  /** Counts what was changed, now that nothing more will be. */
  async conclude(): Promise<void> {
    await this.#next((record) => this.#countAll(record)).catch(ignore);
  }

  /** Does what people want of it. */
  answer(wish: WorkWish): Promise<CallAnswer> {
    return this.#do(wish, new AbortController().signal);
  }

  /** Brings it to its host as was asked for when the job was created; refused when that cannot be done. */
  async publish({ branch, pullRequest }: Publish, signal: AbortSignal): Promise<CallAnswer> {
    if (branch === undefined) throw new Error("validation let work be published without a branch");
    const pushed = await this.#do({ kind: "push", branch: toJson(BranchSchema, branch) }, signal);
    if (pushed.kind === "refused" || pullRequest === undefined) return pushed;
    const json = toJson(PullRequestSchema, pullRequest);
    return this.#do({ kind: "openRequest", branch: branch.name, pullRequest: json }, signal);
  }

  get #record(): WorkspaceRecord | undefined {
    const record = readWorkspaceRecord(this.#options.workspace);
    // Before a session goes on, it is that of the job before.
    return record?.jobId === this.#options.jobId ? record : undefined;
  }

  /** Its time begins when what came before is done. */
  #do(wish: WorkWish, signal: AbortSignal): Promise<CallAnswer> {
    return this.#next((record) =>
      this.#answer(record, wish, AbortSignal.any([signal, AbortSignal.timeout(timesMs[wish.kind])])),
    ).catch(failed);
  }

  #write(record: WorkspaceRecord): void {
    writeWorkspaceRecord(this.#options.workspace, record);
  }

  async #answer(record: WorkspaceRecord | undefined, wish: WorkWish, signal: AbortSignal): Promise<CallAnswer> {
    if (record === undefined) return refused("not-ready", "the workspace is not checked out yet");
    switch (wish.kind) {
      case "diff":
        return this.#diff(record, wish, this.#options.git(signal));
      case "push":
        return this.#push(record, wish, signal);
      case "openRequest":
        return this.#openRequest(record, wish, signal);
    }
  }

  async #diff(
    record: WorkspaceRecord,
    wish: Extract<WorkWish, { kind: "diff" }>,
    git: GitContext,
  ): Promise<CallAnswer> {
    const { fromTurn, toTurn, path, statOnly } = wish;
    const missing = [fromTurn, toTurn].find((turn) => turn > 0 && findTurn(record, turn) === undefined);
    if (missing !== undefined) return refused("no-turn", `no turn ${missing} of the agent was recorded`);
    const to = findTurn(record, toTurn)?.commit ?? (await treeOf(git));
    if (to === undefined) return refused("failed", "the workspace cannot be read");
    const from = findTurn(record, fromTurn)?.commit ?? record.baseCommit;
    const result = await readDiff(git, { from, to, path, statOnly });
    if (result.kind === "failed") return refused("failed", result.problem);
    const diff = redactMessage(DiffSchema, result.diff, this.#options.redaction);
    return { kind: "diff", diff: toJson(DiffSchema, diff) };
  }

  async #push(record: WorkspaceRecord, wish: Extract<WorkWish, { kind: "push" }>, signal: AbortSignal) {
    const { pushWork } = await loadPublish();
    const branch = fromJson(BranchSchema, wish.branch, { ignoreUnknownFields: true });
    const result = await pushWork(record, branch, this.#publishParts(signal));
    if (result.kind === "refused") return this.#hide(result);
    const { publication, pushed } = result;
    const others = record.pushed.filter((earlier) => earlier.branch !== pushed.branch);
    this.#write({ ...record, pushed: [...others, pushed] });
    return this.#tell(publication, { case: "branchPushed", value: { ...pushed, url: publication.branchUrl } });
  }

  async #openRequest(record: WorkspaceRecord, wish: Extract<WorkWish, { kind: "openRequest" }>, signal: AbortSignal) {
    const { openWorkRequest } = await loadPublish();
    const pullRequest = fromJson(PullRequestSchema, wish.pullRequest, { ignoreUnknownFields: true });
    const result = await openWorkRequest(record, { branch: wish.branch, pullRequest }, this.#publishParts(signal));
    if (result.kind === "refused") return this.#hide(result);
    const { publication, base } = result;
    const { pullRequestUrl: url, pullRequestNumber: number } = publication;
    return this.#tell(publication, { case: "pullRequestOpened", value: { url, number, base } });
  }

  #publishParts(signal: AbortSignal) {
    const { git, hostGit, credentials, settings, author } = this.#options;
    return { git: git(signal), hostGit: hostGit(signal), credentials, settings, author };
  }

  #hide({ refusal, message }: { readonly refusal: WorkRefusal; readonly message: string }): CallAnswer {
    return refused(refusal, this.#options.redaction.text(message));
  }

  #tell(publication: Publication, event: WorkspaceEvent): CallAnswer {
    this.#options.emit({ case: "workspace", value: { event } });
    return { kind: "published", publication: toJson(PublicationSchema, publication) };
  }

  async #checkpoint(record: WorkspaceRecord | undefined, turn: number): Promise<void> {
    if (record === undefined) return;
    const { git: openGit, author, emit } = this.#options;
    const git = openGit(AbortSignal.timeout(checkpointMs));
    const taken = await takeSnapshot(git);
    if (taken.kind === "failed") return;
    const made = await makeCheckpoint(git, taken.snapshot, { turn, author });
    if (made.kind === "failed") return;
    const { checkpoint } = made;
    this.#write({ ...record, checkpoints: [...record.checkpoints, checkpoint] });
    const diffstat = await count(git, record, taken.snapshot);
    const value = { commit: checkpoint.commit, turn, ...(diffstat && { diffstat }) };
    emit({ case: "workspace", value: { event: { case: "checkpoint", value } } });
  }

  async #countAll(record: WorkspaceRecord | undefined): Promise<void> {
    if (record === undefined) return;
    const git = this.#options.git(AbortSignal.timeout(countMs));
    const taken = await takeSnapshot(git);
    const value = taken.kind === "taken" ? await count(git, record, taken.snapshot) : undefined;
    if (value !== undefined) this.#options.emit({ case: "workspace", value: { event: { case: "diffstat", value } } });
  }

  #next<Result>(work: (record: WorkspaceRecord | undefined) => Promise<Result>): Promise<Result> {
    const result = this.#queue.then(() => work(this.#record));
    this.#queue = result.catch(ignore);
    return result;
  }
}

/** Together less than what a supervisor may take to end a job that is stopped. */
const checkpointMs = 15_000;
const countMs = 10_000;
/** How long what people want may take. */
const timesMs: Readonly<Record<WorkWish["kind"], number>> = { diff: 25_000, push: 120_000, openRequest: 60_000 };

/** Loaded when first needed: most jobs push nothing. */
const loadPublish = () => import("./publish-work.ts");

/** What fails here, such as because a job has broken its repository, is no reason for the job to fail. */
function ignore(): void {}

function failed(error: unknown): CallAnswer {
  return refused("failed", error instanceof Error ? error.message : String(error));
}

async function treeOf(git: GitContext): Promise<string | undefined> {
  const taken = await takeSnapshot(git);
  return taken.kind === "taken" ? taken.snapshot.tree : undefined;
}

async function count(git: GitContext, { baseCommit: from }: WorkspaceRecord, { tree: to }: Snapshot) {
  const listed = await listChanges(git, { from, to });
  return listed.kind === "listed" ? countChanges(listed.files) : undefined;
}

function findTurn({ checkpoints }: WorkspaceRecord, turn: number): Checkpoint | undefined {
  return checkpoints.find((checkpoint) => checkpoint.turn === turn);
}

function refused(refusal: WorkRefusal, message: string): CallAnswer {
  return { kind: "refused", refusal, message };
}
