import { existsSync, renameSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename } from "node:path";
import { trashDirectory } from "../supervisor/job-directory.ts";

let discarded = 0;

/** Has a path out of the way at once, if it is there. What is left of it when the runner ends, the next one deletes. */
export function discardToTrash(path: string): void {
  if (!existsSync(path)) return;
  discarded += 1;
  const trash = `${trashDirectory}/${basename(path)}-${process.pid}-${discarded}`;
  renameSync(path, trash);
  rm(trash, { recursive: true, force: true }).catch(() => undefined);
}
