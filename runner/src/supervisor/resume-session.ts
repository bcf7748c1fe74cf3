import { existsSync, mkdirSync, realpathSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import type { Executor } from "../executor/executor.ts";
import { executorName } from "../executor/executors.ts";
import { removeTreeSync } from "../process/remove-tree.ts";
import { giveTrees } from "../sandbox/give.ts";
import type { GitContext } from "../workspace/git.ts";
import { readCommit } from "../workspace/read-commit.ts";
import type { JobDirectory } from "./job-directory.ts";
import { giveBackSession, readSession, type SessionRecord, sessionKey, writeSession } from "./session-directory.ts";

/** A job and the session it works in. */
export interface SessionUse {
  readonly request: StartJobRequest;
  readonly spec: NonNullable<StartJobRequest["spec"]>;
  readonly executor: Executor | undefined;
  readonly directory: JobDirectory;
  readonly git: GitContext;
}

/** Whether a job can go on with a session. */
export type Resumption =
  | { readonly kind: "ready"; readonly sessionId: string; readonly commit: string }
  /** One sentence for a person: what differs from what the session was. */
  | { readonly kind: "lost"; readonly message: string };

/** Compares session and workspace with what they were when the last job ended; gives the session back when they differ. */
export async function resumeSession(use: SessionUse): Promise<Resumption> {
  const record = readSession(sessionKey(use.request));
  const difference = record === undefined ? "it has no record" : await findDifference(use, record);
  if (record !== undefined && difference === undefined) {
    return { kind: "ready", sessionId: record.sessionId, commit: record.commit };
  }
  giveBackSession(use.request);
  return { kind: "lost", message: `The session of ${use.request.continues} cannot go on: ${difference}.` };
}

/** Records what the session is now that its job has ended, so that another can continue it. */
export async function recordSession(use: SessionUse, nowMs: number): Promise<void> {
  const { request, spec, executor, directory, git } = use;
  if (executor?.sessions === undefined) return;
  const key = sessionKey(request);
  const before = readSession(key);
  const sessionId = before?.sessionId || executor.sessions.idFor(key);
  if (!executor.sessions.holds(sessionId, directory.home)) return;
  const commit = await readCommit(spec.repoRef, git);
  if (commit === undefined) return;
  strip(directory.home, executor.sessions.store);
  await giveTrees(git.sandbox, [directory.home]);
  const { jobId } = request;
  const { repoRef } = spec;
  const takers = before?.takers ?? {};
  writeSession(key, { jobId, agent: executorName(spec), sessionId, repoRef, commit, endedMs: nowMs, takers });
}

/** Leaves of a HOME only these paths: an agent can write its settings there, and hooks that run unasked. */
function strip(home: string, kept: readonly string[]): void {
  const old = `${home}.old`;
  renameSync(home, old);
  mkdirSync(home, { mode: 0o700 });
  for (const path of kept) {
    // A link could lead to what is not this job's.
    if (realpathSync(join(old, path)) !== join(realpathSync(old), path)) throw new Error(`${path} leads elsewhere`);
    mkdirSync(dirname(join(home, path)), { recursive: true, mode: 0o700 });
    renameSync(join(old, path), join(home, path));
  }
  removeTreeSync(old);
}

async function findDifference(
  { spec, executor, directory, git }: SessionUse,
  record: SessionRecord,
): Promise<string | undefined> {
  const name = executorName(spec);
  const sessions = executor?.sessions;
  if (record.agent !== name) return `it is one of ${record.agent}, and this job asks for ${name}`;
  if (sessions === undefined) return `${name} cannot take up a session`;
  if (record.repoRef !== spec.repoRef) return `it is on ${record.repoRef}, and this job asks for ${spec.repoRef}`;
  if (!existsSync(directory.workspace)) return "its workspace is gone";
  if (!sessions.holds(record.sessionId, directory.home)) return `${name} has no session ${record.sessionId} any more`;
  const commit = await readCommit(spec.repoRef, git);
  if (commit === record.commit) return undefined;
  const found = commit === undefined ? "no commit" : `commit ${commit}`;
  return `its workspace is at ${found}, and it ended at commit ${record.commit}`;
}
