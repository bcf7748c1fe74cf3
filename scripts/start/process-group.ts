import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import type { Guard } from "./guard.ts";

/** What to run. */
export interface Command {
  readonly args: readonly [program: string, ...rest: string[]];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A process with all it starts, in a session of its own: what a terminal sends does not reach it. */
export interface ProcessGroup {
  /** Of the group and of its first process; undefined when that could not be started. */
  readonly id: number | undefined;
  /** Settles with how the first process of the group ended. */
  readonly exited: Promise<string>;
  /** Asks the first process. */
  signal(name: NodeJS.Signals): void;
  /** Kills what is left of the group, and settles when nothing is. */
  end(): Promise<void>;
}

/** Starts a group; every line it prints goes to `onLine`. */
export function startGroup(command: Command, guard: Guard, onLine: (line: string) => void): ProcessGroup {
  const [program, ...args] = command.args;
  const { cwd, env } = command;
  const child = spawn(program, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const id = child.pid;
  if (id !== undefined) guard.watch(id);
  for (const output of [child.stdout, child.stderr]) createInterface(output).on("line", onLine);
  const exited = describeExit(child);
  return {
    id,
    exited,
    signal: (name) => void child.kill(name),
    async end() {
      if (id === undefined) return;
      await killAll(id);
      await exited;
      guard.forget(id);
    },
  };
}

function describeExit(child: ChildProcess): Promise<string> {
  return new Promise((settle) => {
    child.on("error", (error) => settle(`could not be started (${error.message})`));
    child.on("exit", (code, signal) => settle(signal ? `was ended by ${signal}` : `ended with exit code ${code}`));
  });
}

/** Gives up after a while: a process that nobody reaps stays in its group for good. */
async function killAll(group: number): Promise<void> {
  const deadline = performance.now() + 2000;
  while (kill(group) && performance.now() < deadline) await delay(10);
}

function kill(group: number): boolean {
  try {
    return process.kill(-group, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
