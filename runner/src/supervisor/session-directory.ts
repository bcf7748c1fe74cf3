/**
 * Where agents work: workspace, home and attachments stay at the same paths while one job after the other continues the
 * session, because its conversation, and much of what programs write into a workspace, names them by their paths.
 */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import type { JobDirectory } from "./job-directory.ts";

/**
 * Where the directories of sessions are, relative to the data directory; each is named by the job that began it, or has a
 * name of its own when its agent was started before a job came.
 */
export const sessionsDirectory = "sessions";

/** What a session was when its last job ended. */
export interface SessionRecord {
  /** The last job that had it; empty until the first has ended, of one whose agent was started before a job came. */
  readonly jobId: string;
  readonly agent: string;
  /** Its id in the agent's own store. */
  readonly sessionId: string;
  readonly repoRef: string;
  /** Commit that is checked out; empty for a scratch workspace. */
  readonly commit: string;
  readonly endedMs: number;
  /** Which job took it from which; from none, when its agent was started before a job came. */
  readonly takers: Readonly<Record<string, string>>;
}

/** A session and the name of its directory. */
export interface NamedSession {
  readonly key: string;
  readonly record: SessionRecord;
}

/** The directory of a session. */
export function sessionRoot(key: string): string {
  return `${sessionsDirectory}/${key}`;
}

/** Absolute paths of what lies in a session. */
export interface SessionPaths {
  readonly workspace: string;
  readonly home: string;
  readonly attachments: string;
  /** Only of an agent that was started before a job came, as is `modelSocket`: other jobs have these themselves. */
  readonly tmp: string;
  readonly modelSocket: string;
}

/** The paths of a session. */
export function sessionPaths(key: string): SessionPaths {
  const inSession = (name: string) => resolve(sessionRoot(key), name);
  return {
    workspace: inSession("workspace"),
    home: inSession("home"),
    attachments: inSession("attachments"),
    tmp: inSession("tmp"),
    modelSocket: inSession("model.sock"),
  };
}

/** The directory of a job with what lies in its session; a task has none, and all in its own. */
export function withSession(directory: JobDirectory, request: StartJobRequest): JobDirectory {
  if (request.spec?.work.case !== "agent") return directory;
  const key = sessionKey(request);
  const paths = sessionPaths(key);
  if (request.continues === "" && isWarm(key)) return { ...directory, ...paths };
  const { workspace, home, attachments } = paths;
  return { ...directory, workspace, home, attachments };
}

/** Name of the session of a job: its own, or that of the one it took. */
export function sessionKey(request: StartJobRequest): string {
  const { jobId, continues } = request;
  const key = takenSession(request);
  if (key === undefined && continues !== "") throw new Error(`${jobId} has not taken the session of ${continues}`);
  return key ?? jobId;
}

/** Name of the session that a job took: from the job that it continues, or, with its agent, from nobody. */
export function takenSession({ jobId, continues }: StartJobRequest): string | undefined {
  const mayHave = (key: string) => continues !== "" || isWarm(key);
  return sessionKeys().find((key) => mayHave(key) && readSession(key)?.takers[continues] === jobId);
}

/** What processes of a job carry as their marker, one of these. */
export function markersOf(request: StartJobRequest): readonly string[] {
  const key = request.continues === "" ? takenSession(request) : undefined;
  return key === undefined ? [request.jobId] : [request.jobId, key];
}

/** Whether a session is one whose agent was started before a job came, by its name. */
export function isWarm(key: string): boolean {
  return key.startsWith("warm_");
}

/** The names of all sessions. */
export function sessionKeys(): readonly string[] {
  return readdirSync(sessionsDirectory);
}

/** The sessions that have a record. */
export function listSessions(): readonly NamedSession[] {
  return sessionKeys().flatMap((key) => {
    const record = readSession(key);
    return record === undefined ? [] : [{ key, record }];
  });
}

/** The first session whose record is as wanted. */
export function findSession(isWanted: (record: SessionRecord) => boolean): NamedSession | undefined {
  return listSessions().find(({ record }) => isWanted(record));
}

/** The record of a session, or undefined when its first job has not ended, or was lost. */
export function readSession(key: string): SessionRecord | undefined {
  const path = recordPath(key);
  if (!existsSync(path)) return undefined;
  try {
    const record: unknown = JSON.parse(readFileSync(path, "utf8"));
    return isRecord(record) ? record : undefined;
  } catch (error) {
    // Without confinement an agent can write here. What is not a record any more must not keep others from theirs.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Writes the record of a session, whole and to the disk itself. */
export function writeSession(key: string, record: SessionRecord): void {
  const path = recordPath(key);
  writeFileSync(`${path}.draft`, JSON.stringify(record), { mode: 0o600, flush: true });
  renameSync(`${path}.draft`, path);
}

/** Gives a session back that a job took and did not go on with. */
export function giveBackSession({ jobId, continues }: StartJobRequest): void {
  const taken = findSession(({ takers }) => takers[continues] === jobId);
  if (taken === undefined) return;
  const { [continues]: _, ...takers } = taken.record.takers;
  writeSession(taken.key, { ...taken.record, takers });
}

const textFields = ["jobId", "agent", "sessionId", "repoRef", "commit"] as const;

function isRecord(value: unknown): value is SessionRecord {
  if (typeof value !== "object" || value === null || !("takers" in value) || !("endedMs" in value)) return false;
  const fields: Partial<Record<string, unknown>> = { ...value };
  const { takers, endedMs } = value;
  const isTold = textFields.every((name) => typeof fields[name] === "string") && typeof endedMs === "number";
  return isTold && typeof takers === "object" && takers !== null;
}

function recordPath(key: string): string {
  return `${sessionRoot(key)}/session.json`;
}
