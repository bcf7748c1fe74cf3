import { existsSync, renameSync } from "node:fs";
import { basename } from "node:path";
import { removeTree } from "../process/remove-tree.ts";
import { trashDirectory } from "../supervisor/job-directory.ts";

let discarded = 0;

/** Has a path out of the way at once, if it is there. What is left of it when the runner ends, the next one deletes. */
export function discardToTrash(path: string): void {
  if (!existsSync(path)) return;
  discarded += 1;
  const trash = `${trashDirectory}/${basename(path)}-${process.pid}-${discarded}`;
  renameSync(path, trash);
  removeTree(trash).catch(() => undefined);
}
