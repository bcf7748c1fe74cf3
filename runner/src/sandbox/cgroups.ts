import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { pidsIn } from "./cgroup-directories.ts";

/** Where this machine lets this process bound the memory and the number of other processes. Plain data: supervisors get it. */
export type Cgroups =
  | { readonly version: 1; readonly memory: string; readonly pids: string }
  | { readonly version: 2; readonly base: string }
  | {
      readonly version: "none";
      /** One lower-case fact. */
      readonly reason: string;
    };

/** What the kernel shows of control groups, read from `/proc` unless a test says otherwise. */
export interface CgroupView {
  /** /proc/self/mountinfo. */
  readonly mounts: string;
  /** /proc/self/cgroup. */
  readonly own: string;
}

/**
 * Finds the control groups that this process may make, and makes ready for that. Under version 2 a group that bounds others
 * may hold no processes itself, unless it is the root of all: this process moves into a group `runner` below, with those
 * that started it. Where others are in its group that is not done, and it bounds nothing.
 */
export function findCgroups(view: CgroupView = readView()): Cgroups {
  if (process.platform !== "linux") return { version: "none", reason: `${process.platform} has no control groups` };
  const mounts = parseMounts(view.mounts);
  const own = parseOwn(view.own);
  const memory = groupPath(mounts, own, "memory");
  const pids = groupPath(mounts, own, "pids");
  if (memory !== undefined && pids !== undefined) {
    const problem = [memory, pids].map(tryGroup).find((fact) => fact !== undefined);
    return problem === undefined ? { version: 1, memory, pids } : { version: "none", reason: problem };
  }
  const base = groupPath(mounts, own, "");
  if (base === undefined) return { version: "none", reason: "no control groups are mounted" };
  return enableControllers(base);
}

function enableControllers(own: string): Cgroups {
  // An earlier runner, or systemd for it, may have moved what started this one.
  const base = basename(own) === runnerGroup ? dirname(own) : own;
  try {
    const controllers = readFileSync(`${base}/cgroup.controllers`, "utf8").trim().split(" ");
    const missing = ["memory", "pids"].filter((name) => !controllers.includes(name));
    if (missing.length > 0) {
      return { version: "none", reason: `the control group ${base} has no controller ${missing.join(" and ")}` };
    }
    const movers = existsSync(`${base}/cgroup.type`) ? pidsIn([base]) : [];
    const strangers = movers.filter((pid) => !lineage().includes(pid));
    if (strangers.length > 0)
      return { version: "none", reason: `process ${strangers[0]} shares the control group ${base}` };
    mkdirSync(`${base}/${runnerGroup}`, { recursive: true });
    for (const pid of movers) writeFileSync(`${base}/${runnerGroup}/cgroup.procs`, String(pid));
    writeFileSync(`${base}/cgroup.subtree_control`, "+memory +pids");
    return { version: 2, base };
  } catch (error) {
    return { version: "none", reason: `${base} is not this user's to divide: ${messageOf(error)}` };
  }
}

/** Why no group can be made there; undefined when one can. */
function tryGroup(parent: string): string | undefined {
  const path = `${parent}/blazecraft-try-${process.pid}`;
  try {
    mkdirSync(path);
    rmdirSync(path);
    return undefined;
  } catch (error) {
    return `no control group can be made: ${messageOf(error)}`;
  }
}

const runnerGroup = "runner";

/** This process, the one that started it, and so on. */
function lineage(): readonly number[] {
  const pids = [process.pid];
  for (let pid = process.ppid; pid > 1; pid = parentOf(pid)) pids.push(pid);
  return pids;
}

function parentOf(pid: number): number {
  return Number(readIfThere(`/proc/${pid}/status`).match(/^PPid:\t(\d+)$/m)?.[1] ?? 0);
}

interface CgroupMount {
  readonly root: string;
  readonly path: string;
  /** Empty for version 2. */
  readonly controllers: readonly string[];
}

/** "31 23 0:28 / /sys/fs/cgroup/memory rw,relatime … - cgroup cgroup rw,memory" */
function parseMounts(text: string): readonly CgroupMount[] {
  return text.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root = "", path = ""] = before.split(" ");
    const [type, , options = ""] = after.split(" ");
    if (type === "cgroup2") return [{ root, path, controllers: [] }];
    return type === "cgroup" ? [{ root, path, controllers: options.split(",") }] : [];
  });
}

/** "4:memory:/a/b" by controller; "0::/a" is version 2, under the empty name. */
function parseOwn(text: string): ReadonlyMap<string, string> {
  const entries = text.split("\n").flatMap((line) => {
    const [, controllers = "", path = ""] = line.match(/^\d+:([^:]*):(.*)$/) ?? [];
    return path === "" ? [] : controllers.split(",").map((name) => [name, path] as const);
  });
  return new Map(entries);
}

/** Path of the group that this process is in. */
function groupPath(mounts: readonly CgroupMount[], own: ReadonlyMap<string, string>, controller: string) {
  const mount = mounts.find(({ controllers }) =>
    controller === "" ? controllers.length === 0 : controllers.includes(controller),
  );
  const path = own.get(controller);
  if (mount === undefined || path === undefined) return undefined;
  const below = relative(mount.root, path);
  // A process may be in a group that its own mount does not show.
  return below.startsWith("..") ? undefined : join(mount.path, below);
}

function readView(): CgroupView {
  return { mounts: readIfThere("/proc/self/mountinfo"), own: readIfThere("/proc/self/cgroup") };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not Linux, or a kernel without control groups.
    return "";
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
