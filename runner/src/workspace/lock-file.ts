import { spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";

/** A lock that is held until it is closed, or this process ends. */
export interface FileLock {
  close(): Promise<void>;
}

/**
 * Waits until this process alone has the lock of a file, made if need be, among all processes of the machine. The lock is
 * the kernel's (flock): it cannot be left behind.
 */
export async function lockFile(path: string, signal: AbortSignal): Promise<FileLock> {
  const lock = await takeLock(path, ["--exclusive"], signal);
  if (lock === undefined) throw new Error(`${path} cannot be locked`);
  return lock;
}

/** Takes a lock if nobody has it. */
export function tryLockFile(path: string): Promise<FileLock | undefined> {
  return takeLock(path, ["--exclusive", "--nonblock"], new AbortController().signal);
}

async function takeLock(path: string, options: readonly string[], signal: AbortSignal): Promise<FileLock | undefined> {
  signal.throwIfAborted();
  const file = await open(path, "a", 0o600);
  try {
    // The lock belongs to the open file, which the program shares with this process: it stays when the program ends.
    const child = spawn("flock", [...options, "3"], {
      stdio: ["ignore", "ignore", "inherit", file.fd],
      env: { PATH: "/usr/bin:/bin" },
      signal,
    });
    const [exitCode] = await once(child, "close");
    if (exitCode === 0) return file;
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return undefined;
}
