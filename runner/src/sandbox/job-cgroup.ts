import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { Cgroups } from "./cgroups.ts";

/** What the processes of one job may use together. */
export interface JobBounds {
  readonly memoryBytes: number;
  /** Processes and threads at once. */
  readonly maxProcesses: number;
}

/** Which bounds a job met. */
export interface MetBounds {
  /** Processes that were killed because the memory was used up. */
  readonly memoryKills: number;
  /** Processes that were not started because there were too many. */
  readonly refusedProcesses: number;
}

/** The control group of a job: what is in it is bounded, counted and killed together. */
export class JobCgroup {
  readonly #directories: readonly string[];
  readonly #version: 1 | 2;

  private constructor(version: 1 | 2, directories: readonly string[]) {
    this.#version = version;
    this.#directories = directories;
  }

  /** Makes the group of this name; undefined where the machine has none. One that a crash has left is emptied first. */
  static async open(cgroups: Cgroups, name: string, bounds: JobBounds): Promise<JobCgroup | undefined> {
    const group = JobCgroup.of(cgroups, name);
    if (group === undefined) return undefined;
    await group.remove();
    for (const directory of group.#directories) mkdirSync(directory);
    group.#bound(bounds);
    return group;
  }

  /** The group of this name, whether or not it is there. */
  static of(cgroups: Cgroups, name: string): JobCgroup | undefined {
    switch (cgroups.version) {
      case 1:
        return new JobCgroup(1, [`${cgroups.memory}/${name}`, `${cgroups.pids}/${name}`]);
      case 2:
        return new JobCgroup(2, [`${cgroups.base}/${name}`]);
      case "none":
        return undefined;
    }
  }

  /** Files to which a process writes "0" to be in the group, with all that it starts. */
  get joinFiles(): readonly string[] {
    return this.#directories.map((directory) => `${directory}/cgroup.procs`);
  }

  /** The bounds that were met so far. */
  get met(): MetBounds {
    const [memory = "", pids = memory] = this.#directories;
    const memoryFile = this.#version === 1 ? "memory.oom_control" : "memory.events";
    return {
      memoryKills: readCount(`${memory}/${memoryFile}`, "oom_kill"),
      refusedProcesses: readCount(`${pids}/pids.events`, "max"),
    };
  }

  /** Process ids of what is in it. */
  get pids(): readonly number[] {
    const pids = this.joinFiles
      .filter((file) => existsSync(file))
      .flatMap((file) => readFileSync(file, "utf8").split("\n"));
    return [...new Set(pids.filter(Boolean).map(Number))];
  }

  /** Kills whatever is in it and removes it. Throws when something withstands that. */
  async remove(): Promise<void> {
    for (let round = 0; this.#directories.some((directory) => existsSync(directory)); round += 1) {
      for (const pid of this.pids) kill(pid);
      if (this.#removed()) return;
      if (round >= maxRounds) throw new Error(`${this.#directories.join(" and ")} cannot be emptied`);
      await wait(Math.min(round + 1, 20));
    }
  }

  #bound({ memoryBytes, maxProcesses }: JobBounds): void {
    const [memory = "", pids = memory] = this.#directories;
    writeFileSync(`${pids}/pids.max`, String(maxProcesses));
    if (this.#version === 2) {
      writeFileSync(`${memory}/memory.max`, String(memoryBytes));
      // The job ends as a whole: what is left of it would only wonder where its parts are.
      writeFileSync(`${memory}/memory.oom.group`, "1");
      writeIfThere(`${memory}/memory.swap.max`, "0");
      return;
    }
    writeFileSync(`${memory}/memory.limit_in_bytes`, String(memoryBytes));
    // Memory and swap together; only some kernels count that.
    writeIfThere(`${memory}/memory.memsw.limit_in_bytes`, String(memoryBytes));
  }

  #removed(): boolean {
    try {
      for (const directory of this.#directories) if (existsSync(directory)) rmdirSync(directory);
      return true;
    } catch (error) {
      // Busy for as long as a process in it is dying.
      if (error instanceof Error && "code" in error && (error.code === "EBUSY" || error.code === "ENOENT"))
        return false;
      throw error;
    }
  }
}

// A program that forks as fast as it is killed is worn down over about 4 s.
const maxRounds = 200;

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It ended meanwhile.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** The number behind a word in a file of such lines; 0 when it is not there. */
function readCount(path: string, word: string): number {
  if (!existsSync(path)) return 0;
  const line = readFileSync(path, "utf8")
    .split("\n")
    .find((text) => text.startsWith(`${word} `));
  return Number(line?.split(" ")[1] ?? 0);
}

function writeIfThere(path: string, text: string): void {
  if (existsSync(path)) writeFileSync(path, text);
}
