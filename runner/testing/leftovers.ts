import { existsSync, globSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { findJobProcesses } from "../src/process/process-table.ts";
import { processesIn, type TestRunner } from "./start-runner.ts";

/** What of a machine a job can leave something in. */
export interface Leftovers {
  /** Command lines of processes that are none of the runner's own. */
  readonly processes: readonly string[];
  /** Process ids of those that carry the job's mark, wherever they work. */
  readonly marked: readonly number[];
  /** Paths in the data directory, but for what docs/operate.md says is kept; sockets and pipes are told as such. */
  readonly files: readonly string[];
  /** Paths in the machine's directory for temporary files that name the job. */
  readonly temporary: readonly string[];
  readonly mounts: readonly string[];
  readonly cgroups: readonly string[];
  /** Files of the data directory that the runner itself has open. */
  readonly open: readonly string[];
}

/** Looks for what a job has left. */
export function findLeftovers({ dataDirectory, pid }: TestRunner, jobId: string): Leftovers {
  const isAbout = (text: string) => text.includes(jobId);
  return {
    processes: processesIn(dataDirectory)
      .map(commandLine)
      .filter((line) => line !== "" && !ownPrograms.some((program) => line.includes(program))),
    marked: findJobProcesses([jobId], undefined),
    files: filesIn(dataDirectory).filter((path) => !kept.test(path)),
    temporary: readdirSync(tmpdir()).filter(isAbout),
    mounts: readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(dataDirectory) || isAbout(line)),
    cgroups: existsSync("/sys/fs/cgroup") ? globSync(`/sys/fs/cgroup/**/*${jobId}*`) : [],
    open: openFiles(pid).filter(
      (path) => path.startsWith(dataDirectory) && !kept.test(path.slice(dataDirectory.length + 1)),
    ),
  };
}

const ownPrograms = ["runner/src/main.ts", "supervisor/main.ts", "supervisor/spawner.ts"];

/** What is the runner's own, such as a spare that rehearses, or kept on purpose: not what a job has left. */
const kept =
  /^(compile-cache|nonces|spending|mirrors|pool|trash\/rehearsal-[0-9]+)(\/|$)|^(runner\.lock|supervisors\.log|runner\.sock)$/;

function filesIn(directory: string): readonly string[] {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
  return names.flatMap((name) => {
    const found = lstatSync(`${directory}/${name}`, { throwIfNoEntry: false });
    if (found === undefined) return [];
    if (found.isSocket()) return [`${name} (a socket)`];
    return [found.isFIFO() ? `${name} (a pipe)` : name];
  });
}

function commandLine(pid: number): string {
  return readIfThere(() => readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " "));
}

function openFiles(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => readIfThere(() => readlinkSync(`/proc/${pid}/fd/${fd}`)));
}

function readIfThere(read: () => string): string {
  try {
    return read();
  } catch {
    // It ended, or was closed, meanwhile.
    return "";
  }
}
