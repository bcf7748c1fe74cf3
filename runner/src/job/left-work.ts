import { existsSync } from "node:fs";
import { dirname, relative } from "node:path";
import { Code } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import type { CallAnswer, WorkWish } from "../supervisor/control.ts";
import { jobDirectory, readStart } from "../supervisor/job-directory.ts";
import { findSession, sessionPaths, withSession } from "../supervisor/session-directory.ts";
import type { JobSettings } from "../supervisor/settings.ts";
import type { SupervisorPool } from "../supervisor/supervisor-pool.ts";
import { readWorkspaceRecord } from "../supervisor/workspace-record.ts";

/** What LeftWork works with. */
export interface LeftWorkOptions {
  readonly settings: JobSettings;
  readonly supervisors: Pick<SupervisorPool, "take">;
}

/** The work of jobs that have ended, for as long as their workspaces are here. A spare supervisor looks after it. */
export class LeftWork {
  readonly #options: LeftWorkOptions;
  /** One thing at a time is done in a workspace. */
  readonly #queues = new Map<string, Promise<unknown>>();

  constructor(options: LeftWorkOptions) {
    this.#options = options;
  }

  /** Whether the work of an attempt that was released is here: in a session that no other job has gone on with. */
  isKept(jobId: string, attempt: number): boolean {
    return this.#find(jobId, attempt) !== undefined;
  }

  /** Does something for the work of an attempt that has ended. */
  async serve(jobId: string, attempt: number, wish: WorkWish): Promise<CallAnswer> {
    const place = this.#find(jobId, attempt);
    if (place === undefined) return { kind: "refused", refusal: "not-ready", message: "the workspace is gone" };
    const before = this.#queues.get(place) ?? Promise.resolve();
    const answer = before.then(() => this.#serveIn(place, wish));
    const settled = answer.catch(() => undefined);
    this.#queues.set(place, settled);
    void settled.then(() => this.#queues.get(place) === settled && this.#queues.delete(place));
    return answer;
  }

  async #serveIn(place: string, wish: WorkWish): Promise<CallAnswer> {
    const { supervisor } = await this.#options.supervisors.take();
    const { promise, resolve, reject } = Promise.withResolvers<CallAnswer>();
    supervisor.listen({
      report: (report) => {
        if (report.kind === "answered") resolve(report.answer);
      },
      cut: () => reject(lost()),
    });
    supervisor.command({ kind: "serve", place, settings: this.#options.settings, work: { ...wish, call: 1 } });
    return promise;
  }

  /** Directory in which the workspace of an attempt lies; undefined when it is gone, or another job's. */
  #find(jobId: string, attempt: number): string | undefined {
    const workspace = findWorkspace(jobId);
    if (workspace === undefined || !existsSync(workspace)) return undefined;
    const record = readWorkspaceRecord(workspace);
    const isIts = record?.jobId === jobId && record.attempt === attempt;
    return isIts ? relative("", dirname(workspace)) : undefined;
  }
}

function findWorkspace(jobId: string): string | undefined {
  const directory = jobDirectory(jobId);
  const request = readStart(directory);
  if (request !== undefined) return withSession(directory, request).workspace;
  const session = findSession((record) => record.jobId === jobId && record.takers[jobId] === undefined);
  return session && sessionPaths(session.key).workspace;
}

function lost() {
  return problemError({
    code: Code.Unavailable,
    reason: ProblemReason.RUNNER_OFFLINE,
    message: "the supervisor that looked after the work was lost",
    action: "Try again in a few seconds.",
    retryAfterMs: 2_000,
  });
}
