import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { identifyProcess, isAlive, type ProcessIdentity } from "./process/process-table.ts";

/**
 * Makes the data directory this process's working directory, so that sockets in it have short paths, and its own: throws
 * when another runner has it. Answers how to give it up.
 */
export function claimDataDirectory(path: string): () => void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  process.chdir(path);
  const draft = `${lockName}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(identifyProcess(process.pid)), { mode: 0o600, flush: true });
  try {
    takeTurn(draft, path);
    takeLock(path);
  } finally {
    rmSync(draft);
  }
  return () => rmSync(lockName, { force: true });
}

/** Name of the file in it that says which runner has it. */
export const lockName = "runner.lock";
/** Of runners that start at the same moment, only the one that has this may replace the lock that a dead one left. */
const turnName = "runner.lock.turn";

function takeTurn(draft: string, path: string): void {
  const other = readOwner(turnName);
  if (other !== undefined && isAlive(other)) throw inUse(path, other);
  // It was killed in its turn.
  if (other !== undefined) rmSync(turnName, { force: true });
  try {
    linkSync(draft, turnName);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    throw new Error(`DATA_DIR ${path} is in use by another runner that starts`, { cause: error });
  }
}

function takeLock(path: string): void {
  const owner = readOwner(lockName);
  if (owner !== undefined && isAlive(owner)) {
    rmSync(turnName);
    throw inUse(path, owner);
  }
  renameSync(turnName, lockName);
  // Two may have removed the turn of a dead one, the later one that of the earlier: then neither goes on.
  const taken = readOwner(lockName);
  if (taken?.pid !== process.pid) throw inUse(path, taken);
}

function inUse(path: string, owner: ProcessIdentity | undefined): Error {
  return new Error(`DATA_DIR ${path} is in use by the runner with process id ${owner?.pid ?? "unknown"}`);
}

function readOwner(name: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(name, "utf8")) as ProcessIdentity;
  } catch {
    // There is none, or the machine crashed when it had just been written.
    return undefined;
  }
}
