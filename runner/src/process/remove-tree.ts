import { execFile, execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { promisify } from "node:util";

/**
 * Deletes a directory with all that is in it, if it is there. Unlike Node, it comes to what lies so deep that its path is
 * longer than the system takes: a job can make such directories, and so can the files of a repository.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!isTooDeep(error)) throw error;
    await promisify(execFile)("rm", ["-rf", "--", path], options);
  }
}

/** As `removeTree`, at once. */
export function removeTreeSync(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if (!isTooDeep(error)) throw error;
    execFileSync("rm", ["-rf", "--", path], options);
  }
}

const options = { env: { PATH: "/usr/bin:/bin" } };

function isTooDeep(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENAMETOOLONG";
}
