import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

/** A program to run beside the benchmark. */
export interface ProgramSpec<Ready> {
  readonly argv: readonly [string, ...string[]];
  readonly cwd?: string;
  /** Its whole environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** File descriptor on which it says that it is ready; 3 is opened for it alone. */
  readonly readyFd: 1 | 2 | 3;
  /** What one of its lines says, once that is that it is ready. */
  readonly ready: (line: string) => Ready | undefined;
  readonly stopSignal: NodeJS.Signals;
}

/** A program that runs until it is closed. */
export interface Program<Ready> {
  readonly pid: number;
  readonly ready: Ready;
  readonly process: ChildProcess;
  close(): Promise<void>;
}

/** Starts a program and waits until it is ready; rejects with what it wrote when it ends before that. */
export async function startProgram<Ready>(spec: ProgramSpec<Ready>): Promise<Program<Ready>> {
  const [file, ...args] = spec.argv;
  const stdio: StdioOptions = ["ignore", "pipe", "pipe", "pipe", "ipc"];
  const child = spawn(file, args, { cwd: spec.cwd, env: spec.env ?? {}, stdio });
  const exited = once(child, "exit");
  const stop = () => child.kill(spec.stopSignal);
  process.once("exit", stop);
  const written: string[] = [];
  const ready = await new Promise<Ready>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`${spec.argv.join(" ")} did not come up:\n${written.join("\n")}`)));
    for (const fd of [1, 2, 3] as const) {
      createInterface(child.stdio[fd] as Readable).on("line", (line) => {
        if (written.length < 100) written.push(line);
        const found = fd === spec.readyFd ? spec.ready(line) : undefined;
        if (found !== undefined) resolve(found);
      });
    }
  });
  return {
    pid: child.pid ?? 0,
    ready,
    process: child,
    async close() {
      process.off("exit", stop);
      stop();
      const timer = setTimeout(() => child.kill("SIGKILL"), stopMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

const stopMs = 10_000;

/** The command line that runs one of the programs of bench/programs with this Node. */
export function nodeProgram(name: string, ...args: readonly string[]): readonly [string, ...string[]] {
  return [process.execPath, fileURLToPath(new URL(`../programs/${name}`, import.meta.url)), ...args];
}
