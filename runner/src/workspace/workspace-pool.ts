/**
 * Workspaces of jobs that have ended, whose files the next job on the same repository takes over: most of the time that a
 * checkout takes is for making files. Nothing else of the earlier job is taken over.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { resolve } from "node:path";
import { discard } from "./discard.ts";
import { isSystemError } from "./system-error.ts";

/** Where they are, relative to the runner's data directory, which is the working directory; in it a directory a mirror. */
export const poolDirectory = "pool";

/** A workspace that waits for a job. */
interface PooledWorkspace {
  /** Absolute. */
  readonly path: string;
  readonly mirrorId: string;
  readonly sinceMs: number;
}

/** Notes of a workspace that its files can be taken over by jobs that read from the same mirror. */
export function markReusable(path: string, mirrorId: string): void {
  writeFileSync(reuseMark(path), mirrorId, { mode: 0o600 });
}

/** Takes that back: processes of its job may still write in it. */
export function markUnusable(path: string): void {
  rmSync(reuseMark(path), { force: true });
}

/** Has the workspaces of ended jobs wait for the next: so many of them, for so long. */
export class WorkspacePool {
  readonly #limits: PoolLimits;
  readonly #trash: string;
  readonly #now: () => number;

  /** `trash`: absolute path of the directory for what is being deleted. */
  constructor(limits: PoolLimits, trash: string, now: () => number) {
    this.#limits = limits;
    this.#trash = trash;
    this.#now = now;
  }

  /** Puts the workspace at this path where the next job can take it, if it can be taken over. The name is its own. */
  keep(path: string, name: string): void {
    const mark = reuseMark(path);
    if (!existsSync(mark) || !isDirectory(path)) return;
    const shelf = resolve(poolDirectory, readFileSync(mark, "utf8"));
    const pooled = `${shelf}/${name}`;
    if (existsSync(pooled)) return;
    mkdirSync(shelf, { recursive: true, mode: 0o700 });
    renameSync(path, pooled);
    utimesSync(pooled, this.#now() / 1000, this.#now() / 1000);
    this.sweep();
  }

  /** Deletes those that are too old or too many. */
  sweep(): void {
    const newestFirst = pooledWorkspaces().toSorted((a, b) => b.sinceMs - a.sinceMs);
    for (const [index, { path, sinceMs }] of newestFirst.entries()) {
      const isOld = this.#now() - sinceMs >= this.#limits.keepMs;
      if (index >= this.#limits.maxKept || isOld) discard(path, `${this.#trash}/pooled`);
    }
  }
}

/** How many workspaces of ended jobs wait for the next, and how long. */
export interface PoolLimits {
  readonly maxKept: number;
  readonly keepMs: number;
}

/** Moves a workspace that was made of this mirror to a path where nothing is; false when there is none. Nobody else gets it. */
export function takePooledWorkspace(mirrorId: string, path: string): boolean {
  const waiting = pooledWorkspaces().filter((pooled) => pooled.mirrorId === mirrorId);
  return waiting.toSorted((a, b) => b.sinceMs - a.sinceMs).some((pooled) => isMoved(pooled.path, path));
}

function pooledWorkspaces(): readonly PooledWorkspace[] {
  return namesIn(poolDirectory).flatMap((mirrorId) =>
    namesIn(`${poolDirectory}/${mirrorId}`).flatMap((name) => {
      const path = resolve(poolDirectory, mirrorId, name);
      const found = statSync(path, { throwIfNoEntry: false });
      return found === undefined ? [] : [{ path, mirrorId, sinceMs: found.mtimeMs }];
    }),
  );
}

/** Beside the workspace, where its job cannot write. */
function reuseMark(path: string): string {
  return `${path}.mirror`;
}

function isMoved(from: string, to: string): boolean {
  try {
    renameSync(from, to);
  } catch (error) {
    // Another job took it.
    if (isSystemError(error, "ENOENT")) return false;
    throw error;
  }
  if (isDirectory(to)) return true;
  throw new Error(`${from} is not a directory`);
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function namesIn(path: string): readonly string[] {
  return existsSync(path) ? readdirSync(path) : [];
}
