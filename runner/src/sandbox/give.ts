import { execFile } from "node:child_process";
import { lchownSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Sandbox } from "./sandbox.ts";

/** Gives a file, socket or empty directory to whoever is behind the walls. */
export function give({ user }: Pick<Sandbox, "user">, path: string): void {
  if (user !== undefined) lchownSync(path, user.uid, user.gid);
}

/** Gives a small directory that the runner has just made, with all that is in it, to whoever is behind the walls. */
export function giveNew(sandbox: Pick<Sandbox, "user">, directory: string): void {
  if (sandbox.user === undefined) return;
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" }))
    give(sandbox, join(directory, name));
  give(sandbox, directory);
}

/**
 * Gives directories with all that is in them to whoever is behind the walls, where they are another's; absent ones are left
 * out. No process that could change them may run meanwhile.
 */
export async function giveTrees({ user }: Pick<Sandbox, "user">, paths: readonly string[]): Promise<void> {
  if (user === undefined) return;
  const strange = paths.filter((path) => isOthers(path, user.uid));
  if (strange.length === 0) return;
  // Follows no links, and comes to a directory behind all that is in it: one that is theirs is so wholly.
  await promisify(execFile)("chown", ["-R", "-h", "--", `${user.uid}:${user.gid}`, ...strange]);
}

function isOthers(path: string, uid: number): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.uid !== uid;
}
