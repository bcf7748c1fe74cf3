import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** Commands of the processes of a group, by pid. */
export function processesOfGroup(group: number): ReadonlyMap<number, string> {
  const found = listPids().filter((pid) => groupOf(pid) === group);
  return new Map(found.map((pid) => [pid, commandOf(pid)]));
}

/** Commands of the processes that work in a folder, by pid. */
export function processesIn(folder: string): ReadonlyMap<number, string> {
  const found = listPids().filter((pid) => readOf(() => readlinkSync(`/proc/${pid}/cwd`)).startsWith(folder));
  return new Map(found.map((pid) => [pid, commandOf(pid)]));
}

/** Kills every process of a group, and settles when none is left. */
export function endGroup(group: number): Promise<void> {
  return endAll(() => processesOfGroup(group));
}

/** Kills every process that works in a folder, and settles when none is left. */
export function endProcessesIn(folder: string): Promise<void> {
  return endAll(() => processesIn(folder));
}

async function endAll(find: () => ReadonlyMap<number, string>): Promise<void> {
  for (let left = find(); left.size > 0; left = find()) {
    for (const pid of left.keys()) readOf(() => String(process.kill(pid, "SIGKILL")));
    await delay(5);
  }
}

function listPids(): readonly number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0);
}

/** What follows the name, in parentheses, is: state, parent, group. */
function groupOf(pid: number): number {
  const stat = readOf(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" ? 0 : Number(group);
}

function commandOf(pid: number): string {
  return readOf(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"))
    .replaceAll("\0", " ")
    .trim();
}

/** Empty for a process that has ended meanwhile. */
function readOf(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
