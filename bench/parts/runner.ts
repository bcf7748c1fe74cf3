import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Program, startProgram } from "./program.ts";

/** A real runner process on a data directory of its own. */
export interface Runner {
  readonly url: string;
  readonly process: Program<unknown>["process"];
  /** The runner, and the process that starts its supervisors. */
  readonly pids: readonly number[];
  close(): Promise<void>;
}

/** How to start a runner. */
export interface RunnerOptions {
  readonly secret: string;
  /** A module of bench/programs to be loaded into it before its own, and what that is told. */
  readonly preload?: { readonly module: string; readonly env: Readonly<Record<string, string>> };
}

const main = fileURLToPath(new URL("../../runner/src/main.ts", import.meta.url));

export async function startRunner({ secret, preload }: RunnerOptions): Promise<Runner> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "blazecraft-bench-"));
  const imports =
    preload === undefined ? [] : ["--import", new URL(`../programs/${preload.module}`, import.meta.url).href];
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
      ...preload?.env,
    },
    readyFd: 1,
    ready: (line) => {
      const entry = JSON.parse(line) as { msg: string; address: string };
      return entry.msg === "runner listens" ? entry.address : undefined;
    },
    stopSignal: "SIGINT",
  });
  return {
    url: `http://${program.ready}`,
    process: program.process,
    pids: [program.pid, ...childrenOf(program.pid)],
    async close() {
      await program.close();
      await rm(dataDirectory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
}
