import { renameSync } from "node:fs";
import { removeTree } from "../process/remove-tree.ts";
import { isSystemError } from "./system-error.ts";

let discarded = 0;

/** Has a path out of the way at once, whatever it is, if it is there; it waits for its deletion beside this other path. */
export function discard(path: string, beside = path): void {
  discarded += 1;
  const old = `${beside}.old-${process.pid}-${discarded}`;
  try {
    renameSync(path, old);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return;
    throw error;
  }
  // What a job made unremovable goes with the directory that it lies in, or stays; nothing is held up by that.
  removeTree(old).catch(() => undefined);
}
