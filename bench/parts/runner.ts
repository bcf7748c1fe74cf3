import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cpuMs } from "./process-cost.ts";
import { type Program, startProgram } from "./program.ts";

/** A real runner process on a data directory of its own. */
export interface Runner {
  readonly url: string;
  readonly process: Program<unknown>["process"];
  /** The runner, and the process that starts its supervisors. */
  readonly pids: readonly number[];
  readonly dataDirectory: string;
  /** Milliseconds of CPU that it has used so far, with its supervisors and the processes of jobs that have ended. */
  cpuMs(): number;
  /** How often it has logged this message since it listens. */
  timesLogged(message: string): number;
  /** Waits until nothing of it has anything to do: the supervisor for the next job is ready. */
  untilRested(): Promise<void>;
  close(): Promise<void>;
}

/** How to start a runner. */
export interface RunnerOptions {
  readonly secret: string;
  /** A module of bench/programs to be loaded into it before its own. */
  readonly preload?: string;
  /** What it and that module are told besides. */
  readonly env?: Readonly<Record<string, string>>;
}

const main = fileURLToPath(new URL("../../runner/src/main.ts", import.meta.url));

export async function startRunner({ secret, preload, env }: RunnerOptions): Promise<Runner> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "blazecraft-bench-"));
  const imports = preload === undefined ? [] : ["--import", new URL(`../programs/${preload}`, import.meta.url).href];
  const program = await startProgram({
    argv: [process.execPath, ...imports, main],
    cwd: dataDirectory,
    env: {
      PATH: process.env.PATH ?? "",
      GATEWAY_SECRET: secret,
      PORT: "0",
      DATA_DIR: dataDirectory,
      ISOLATION: "none",
      RUNNER_NAME: "bench",
      ...env,
    },
    readyFd: 1,
    ready: (line) => {
      const entry = JSON.parse(line) as { msg: string; address: string };
      return entry.msg === "runner listens" ? entry.address : undefined;
    },
    stopSignal: "SIGINT",
  });
  const logged: string[] = [];
  const { stdout } = program.process;
  if (stdout !== null) createInterface({ input: stdout }).on("line", (line) => logged.push(line));
  const spawner = childrenOf(program.pid).filter(isSpawner);
  const pids = [program.pid, ...spawner];
  return {
    url: `http://${program.ready}`,
    process: program.process,
    pids,
    dataDirectory,
    cpuMs: () => cpuMs([...pids, ...spawner.flatMap(childrenOf)], { withChildren: true }),
    timesLogged: (message) => logged.filter((line) => line.includes(`"msg":"${message}"`)).length,
    untilRested: () => untilRested(pids, spawner),
    async close() {
      await program.close();
      await rm(dataDirectory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** At rest: a spare supervisor, and no processor time used by anybody for a while. */
async function untilRested(pids: readonly number[], spawner: readonly number[]): Promise<void> {
  for (let before = Number.NaN; ; ) {
    const spares = spawner.flatMap(childrenOf);
    const used = spares.length > 0 ? cpuMs([...pids, ...spares], { withChildren: true }) : Number.NaN;
    if (used === before) return;
    before = used;
    await wait(restMs);
  }
}

const restMs = 100;

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
}

function isSpawner(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("spawner.ts");
}
