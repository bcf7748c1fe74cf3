/** What a Job made of its repository: its diff, kept when the runner forgets it, and what is brought to the host. */

import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Branch, type Job, JobState, type Publication, type PullRequest } from "#gen/job/v1/job_pb.js";
import type { Diff } from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { findProblem, type ProblemInit } from "#protocol/problem.ts";
import { parseRepoRef } from "#protocol/repo-ref.ts";
import { type Answer, refusalOf } from "../answer.ts";
import type { RunnerClient } from "../runner-client.ts";
import type { AttemptKey } from "./attempt.ts";
import { findAttempt } from "./attempt-place.ts";
import type { DiffStore, DiffWish } from "./diff-store.ts";
import type { JobRecord } from "./job-record.ts";
import { isFinal } from "./job-state.ts";
import { noRepository, notCheckedOut, notPushed, unreadable, workspaceGone } from "./work-refusals.ts";

/** What the work of a Job is looked after with. */
export interface JobWorkParts {
  readonly record: JobRecord;
  readonly store: DiffStore;
  readonly connect: (url: string) => Promise<RunnerClient>;
  /** Address of a runner by its name; undefined when there is none of this name any more. */
  readonly findRunner: (name: string) => Promise<string | undefined>;
}

/** Two turns of the agent: 0 and 0 are the whole Job. */
export interface TurnRange {
  readonly fromTurn: number;
  readonly toTurn: number;
}

export class JobWork {
  readonly #parts: JobWorkParts;

  constructor(parts: JobWorkParts) {
    this.#parts = parts;
  }

  /** What the Job changed: from here once that is kept, from its runner otherwise. */
  async diff(wish: DiffWish & TurnRange): Promise<Answer<Diff>> {
    const refused = this.#refuse();
    if (refused !== undefined) return { refused };
    const kept = wish.fromTurn === 0 && wish.toTurn === 0 ? this.#parts.store.read(wish) : undefined;
    if (kept?.kind === "kept") return { ok: kept.diff };
    if (kept?.kind === "unreadable") return { refused: unreadable(this.#id, kept.why) };
    const answer = await this.#ask(diffMs, (runner, key, options) => runner.getDiff({ ...key, ...wish }, options));
    if ("ok" in answer && answer.ok.diff !== undefined) return { ok: answer.ok.diff };
    return "refused" in answer ? answer : { refused: workspaceGone(this.#id, "its runner answered without a diff") };
  }

  /** Pushes the work as it stands now. */
  async push(branch: Branch): Promise<Answer<Publication>> {
    const refused = this.#refuse();
    if (refused !== undefined) return { refused };
    return this.#publish((runner, key, options) => runner.pushBranch({ ...key, branch }, options));
  }

  /** Opens a pull request for the branch that was pushed. */
  async openPullRequest(pullRequest: PullRequest): Promise<Answer<Publication>> {
    const branch = this.#job.publication?.branch ?? "";
    const refused = this.#refuse() ?? (branch === "" ? notPushed(this.#id) : undefined);
    if (refused !== undefined) return { refused };
    return this.#publish((runner, key, options) => runner.openPullRequest({ ...key, pullRequest, branch }, options));
  }

  /** Keeps the diff of an attempt that has ended, before its runner forgets it. Throws when that has to be tried again. */
  async keep(runner: RunnerClient, key: AttemptKey): Promise<void> {
    const { record, store } = this.#parts;
    if (this.#job.baseCommit === "" || store.isKept || !isFinal(record.state)) return;
    try {
      const { diff } = await runner.getDiff(key, { timeoutMs: diffMs });
      // A release and a deletion may both have asked.
      if (diff !== undefined && !store.isKept) record.commit(() => store.keep(diff));
    } catch (error) {
      const { code, rawMessage } = ConnectError.from(error);
      const isPassing = code === Code.Unavailable || code === Code.DeadlineExceeded || code === Code.Canceled;
      if (isPassing && Date.now() - this.#endMs < keepForMs) throw error;
      if (!store.isKept) record.commit(() => store.keepUnreadable(rawMessage));
    }
  }

  get #job(): Job {
    return this.#parts.record.memory.job;
  }

  get #id(): string {
    return this.#job.id;
  }

  get #endMs(): number {
    const { endTime } = this.#job;
    return endTime === undefined ? 0 : timestampMs(endTime);
  }

  #refuse(): ProblemInit | undefined {
    const { spec, baseCommit } = this.#job;
    // Every form of a reference that got so far: what a runner takes was decided when the Job began.
    const place = parseRepoRef(spec?.repoRef ?? "", { defaultHost: "github.com", allowInsecure: true });
    if (place.kind === "scratch") return noRepository(this.#id);
    return baseCommit === "" || this.#parts.record.state === JobState.PENDING ? notCheckedOut(this.#id) : undefined;
  }

  async #publish(call: Call<{ readonly publication?: Publication | undefined }>): Promise<Answer<Publication>> {
    const answer = await this.#ask(publishMs, call);
    if ("refused" in answer) return answer;
    const { publication } = answer.ok;
    if (publication === undefined) throw new Error("the runner answered without a publication");
    this.#parts.record.setPublication(publication);
    return { ok: publication };
  }

  async #ask<Result>(timeoutMs: number, call: Call<Result>): Promise<Answer<Result>> {
    const { record, connect, findRunner } = this.#parts;
    const place = await findAttempt(record.memory, findRunner);
    if (place?.url === undefined) return { refused: workspaceGone(this.#id, "its runner was removed") };
    try {
      return { ok: await call(await connect(place.url), place.key, { timeoutMs }) };
    } catch (error) {
      const refused = refusalOf(error);
      const isGone = findProblem(ConnectError.from(error))?.reason === ProblemReason.JOB_NOT_FOUND;
      return { refused: isGone ? workspaceGone(this.#id, "its runner has it no longer") : refused };
    }
  }
}

type Call<Result> = (runner: RunnerClient, key: AttemptKey, options: { readonly timeoutMs: number }) => Promise<Result>;

const diffMs = 30_000;
const publishMs = 150_000;
/** A runner that cannot tell what changed by then is let go without. */
const keepForMs = 600_000;
