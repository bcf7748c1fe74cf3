import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { identifyProcess, isAlive, type ProcessIdentity } from "./process/process-table.ts";

/**
 * Makes the data directory this process's working directory, so that sockets in it have short paths, and its own: throws
 * when another runner has it. Answers how to give it up.
 */
export function claimDataDirectory(path: string): () => void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  process.chdir(path);
  const owner = readOwner();
  if (owner !== undefined && isAlive(owner)) {
    throw new Error(`DATA_DIR ${path} is in use by the runner with process id ${owner.pid}`);
  }
  rmSync(lockName, { force: true });
  // Fails when two runners start at the same moment.
  writeFileSync(lockName, JSON.stringify(identifyProcess(process.pid)), { flag: "wx", mode: 0o600 });
  return () => rmSync(lockName, { force: true });
}

const lockName = "runner.lock";

function readOwner(): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(lockName, "utf8")) as ProcessIdentity;
  } catch {
    // No runner was here, or one was killed while it wrote this.
    return undefined;
  }
}
