import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { Cgroups } from "./cgroups.ts";

/** Name of the group of the jobs of a process. */
export function jobGroupName(pid: number): string {
  return `${namePrefix}${pid}`;
}

const namePrefix = "blazecraft-jobs-";

/** Where groups are made. */
export function groupParents(cgroups: Cgroups): readonly string[] {
  switch (cgroups.version) {
    case 1:
      return [cgroups.memory, cgroups.pids];
    case 2:
      return [cgroups.base];
    case "none":
      return [];
  }
}

/** Removes the groups of processes that run no more, with whatever is in them. */
export async function removeLeftGroups(cgroups: Cgroups): Promise<void> {
  for (const parent of groupParents(cgroups)) {
    const left = readdirSync(parent)
      .filter((name) => name.startsWith(namePrefix) && !existsSync(`/proc/${name.slice(namePrefix.length)}`))
      .map((name) => `${parent}/${name}`);
    await Promise.all(left.map((directory) => removeGroups([directory])));
  }
}

/** Process ids of what is in groups. */
export function pidsIn(directories: readonly string[]): readonly number[] {
  const pids = directories.flatMap((directory) => readIfThere(`${directory}/cgroup.procs`).split("\n"));
  return [...new Set(pids.filter(Boolean).map(Number))];
}

/** Kills whatever is in groups and removes them. Throws when something withstands that. */
export async function removeGroups(directories: readonly string[]): Promise<void> {
  for (let round = 0; directories.some((directory) => existsSync(directory)); round += 1) {
    for (const pid of pidsIn(directories)) kill(pid);
    if (directories.map(removed).every(Boolean)) return;
    if (round >= maxRounds) throw new Error(`${directories.join(" and ")} cannot be emptied`);
    await wait(Math.min(round + 1, 20));
  }
}

// A program that forks as fast as it is killed is worn down over about 4 s.
const maxRounds = 200;

function removed(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return true;
    // For as long as a process in it is dying.
    if (code === "EBUSY") return false;
    throw error;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It ended meanwhile.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENODEV")) return "";
    throw error;
  }
}
