import { execFile } from "node:child_process";
import { statfsSync } from "node:fs";
import { promisify } from "node:util";

/** What to watch. */
export interface DiskWatchOptions {
  /** Absolute paths of the directories that the job writes to, on one disk. */
  readonly directories: readonly [string, ...string[]];
  readonly limitBytes: number;
  /** Called once, when they hold more than that. */
  readonly onFull: () => void;
  /** How often the disk is looked at. */
  readonly intervalMs: number;
}

/**
 * Bounds what a job writes to the disk where the system offers no quota. To ask how much of the disk is free costs next to
 * nothing; what the job itself holds is only counted when enough of that has gone for the job to have reached its limit. A
 * job can pass it by as much as it writes in one interval.
 */
export class DiskWatch {
  readonly #options: DiskWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #checking: Promise<void> | undefined;
  /** Free bytes when the job was last counted, or began. */
  #freeAtCount: number;
  /** What it held then. What it begins with is not counted, since most jobs end before that is of use, but taken for half. */
  #usedAtCount: number;
  #notBefore = 0;

  constructor(options: DiskWatchOptions) {
    this.#options = options;
    this.#usedAtCount = options.limitBytes / 2;
    this.#freeAtCount = freeBytes(options.directories[0]);
    this.#timer = setInterval(() => {
      this.#checking ??= this.#check().finally(() => {
        this.#checking = undefined;
      });
    }, options.intervalMs).unref();
  }

  /** Watches no more; settles when nothing is being counted. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#checking;
  }

  async #check(): Promise<void> {
    const { directories, limitBytes, onFull } = this.#options;
    const free = freeBytes(directories[0]);
    const left = limitBytes - this.#usedAtCount;
    if (this.#freeAtCount - free < left / 2 || performance.now() < this.#notBefore) return;
    const startMs = performance.now();
    this.#usedAtCount = await countBytes(directories);
    this.#freeAtCount = free;
    // A tree of many files takes long to count, and is not counted all the time.
    this.#notBefore = performance.now() + restFactor * (performance.now() - startMs);
    if (this.#usedAtCount <= limitBytes) return;
    clearInterval(this.#timer);
    onFull();
  }
}

const restFactor = 10;

/** Bytes that are free on the disk that holds a path. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/** Bytes of disk that directories take up. What changes or vanishes while it is counted may be missing. */
async function countBytes(directories: readonly string[]): Promise<number> {
  const env = { PATH: "/usr/bin:/bin", LC_ALL: "C" };
  const { stdout } = await promisify(execFile)("du", ["-skxc", "--", ...directories], {
    env,
    maxBuffer: 1 << 20,
  }).catch((error: unknown) => {
    // It says so with its exit code when a file vanished meanwhile, and has counted the others.
    if (error instanceof Error && "stdout" in error && typeof error.stdout === "string")
      return { stdout: error.stdout };
    throw error;
  });
  const total = stdout.trim().split("\n").at(-1) ?? "";
  return Number.parseInt(total, 10) * 1024;
}
