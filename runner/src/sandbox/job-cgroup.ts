import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { groupParents, pidsIn, removeGroups } from "./cgroup-directories.ts";
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
  readonly #version: 1 | 2;
  /** One a controller under version 1, or the one. */
  readonly #directories: readonly string[];
  readonly #bounds: JobBounds;

  private constructor(version: 1 | 2, directories: readonly string[], bounds: JobBounds) {
    this.#version = version;
    this.#directories = directories;
    this.#bounds = bounds;
  }

  /** Makes the group of this name, anew if it is there; undefined where the machine has none. */
  static async open(cgroups: Cgroups, name: string, bounds: JobBounds): Promise<JobCgroup | undefined> {
    if (cgroups.version === "none") return undefined;
    const directories = groupParents(cgroups).map((parent) => `${parent}/${name}`);
    const group = new JobCgroup(cgroups.version, directories, bounds);
    await group.renew();
    return group;
  }

  /** What is put before a command for it to be in the group, with all that it starts. */
  get joining(): readonly string[] {
    return ["/bin/sh", "-c", joinScript, "sh", ...this.#directories.map((path) => `${path}/cgroup.procs`), "--"];
  }

  /** Process ids of what is in it. */
  get pids(): readonly number[] {
    return pidsIn(this.#directories);
  }

  /** The bounds that were met since it was made or renewed. */
  get met(): MetBounds {
    const [memory = "", pids = memory] = this.#directories;
    const memoryFile = this.#version === 1 ? "memory.oom_control" : "memory.events";
    return {
      memoryKills: readCount(`${memory}/${memoryFile}`, "oom_kill"),
      refusedProcesses: readCount(`${pids}/pids.events`, "max"),
    };
  }

  /** Kills whatever is in it and makes it as new: nothing counted. Throws when something withstands that. */
  async renew(): Promise<void> {
    await this.remove();
    for (const directory of this.#directories) mkdirSync(directory);
    this.#bound();
  }

  /** Kills whatever is in it and removes it. Throws when something withstands that. */
  async remove(): Promise<void> {
    await removeGroups(this.#directories);
  }

  #bound(): void {
    const { memoryBytes, maxProcesses } = this.#bounds;
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
}

const joinScript = 'while [ "$1" != -- ]; do echo 0 >"$1" || exit; shift; done; shift; exec "$@"';

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
