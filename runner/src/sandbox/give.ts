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
export async function giveTrees(sandbox: Pick<Sandbox, "user">, paths: readonly string[]): Promise<void> {
  const { user } = sandbox;
  if (user === undefined) return;
  const strange = paths.filter((path) => isOthers(path, user.uid));
  const [empty, full] = [strange.filter(isEmpty), strange.filter((path) => !isEmpty(path))];
  for (const path of empty) give(sandbox, path);
  if (full.length === 0) return;
  // Follows no links, and comes to a directory behind all that is in it: one that is theirs is so wholly.
  await promisify(execFile)("chown", ["-R", "-h", "--", `${user.uid}:${user.gid}`, ...full]);
}

/** As those of a job are that begins. */
function isEmpty(path: string): boolean {
  return readdirSync(path).length === 0;
}

function isOthers(path: string, uid: number): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.uid !== uid;
}
