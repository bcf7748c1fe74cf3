import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Client } from "@connectrpc/connect";
import type { RunnerService } from "#gen/runner/v1/runner_service_pb.js";
import { parseSecrets, type SigningKey } from "#protocol/signature.ts";
import { killProcess } from "../src/process/kill-group.ts";
import { identifyProcess } from "../src/process/process-table.ts";
import { createRunnerClient } from "./runner-client.ts";

/** A real runner process on a data directory of its own. */
export interface TestRunner {
  readonly url: string;
  /** "host:port" of the gRPC listener, when GRPC_PORT was set. */
  readonly grpcAddress: string | undefined;
  readonly pid: number;
  readonly dataDirectory: string;
  readonly key: SigningKey;
  readonly client: Client<typeof RunnerService>;
  /** What it logged so far. */
  readonly log: () => string;
  /** From now on nobody reads its log. */
  readonly stopReading: () => void;
  /** Sends a signal and waits for its end; answers its exit code, null when the signal ended it. */
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

const secret = "a secret of the tests that is long enough";
const compileCache = fileURLToPath(new URL("../../node_modules/.cache/blazecraft", import.meta.url));
const program = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** A data directory that is gone, with all processes in it, once `remove` is called. */
export function makeDataDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(`${tmpdir()}/blazecraft-runner-`);
  return {
    path,
    remove: () => {
      for (const pid of processesIn(path)) {
        const identity = identifyProcess(pid);
        if (identity !== undefined) killProcess(identity);
      }
      rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Processes whose working directory is this one or lies in it. */
export function processesIn(directory: string): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && workingDirectoryOf(pid)?.startsWith(directory));
}

/**
 * Starts a runner and waits until it listens; rejects with what it wrote when it does not come up. A program that it is to be
 * started through becomes the one that its arguments name.
 */
export async function startRunner(
  dataDirectory: string,
  env: Readonly<Record<string, string>> = {},
  through: readonly string[] = [],
): Promise<TestRunner> {
  const [first = "", ...rest] = [...through, process.execPath, program];
  const child = spawn(first, rest, {
    cwd: dataDirectory,
    env: {
      PATH: "/usr/bin:/bin",
      GATEWAY_SECRET: secret,
      PORT: "0",
      DATA_DIR: dataDirectory,
      ISOLATION: "bubblewrap",
      RUNNER_NAME: "vm-1",
      NODE_COMPILE_CACHE: compileCache,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const written: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => written.push(text));
  const { address, grpcAddress } = await listening(child, written);
  const [key] = await parseSecrets("GATEWAY_SECRET", secret);
  const url = `http://${address}`;
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  return {
    url,
    grpcAddress,
    pid: child.pid ?? 0,
    dataDirectory,
    key,
    client: createRunnerClient(url, key),
    log: () => written.join(""),
    stopReading: () => void child.stdout.destroy(),
    stop: (signal) => {
      child.kill(signal);
      return exited;
    },
  };
}

function listening(child: ChildProcess, written: string[]): Promise<{ address: string; grpcAddress?: string }> {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) throw new Error("stdout is not a pipe");
    createInterface(child.stdout).on("line", (line) => {
      written.push(`${line}\n`);
      const entry = JSON.parse(line) as { msg: string; address: string; grpcAddress?: string };
      if (entry.msg === "runner listens") resolve(entry);
    });
    child.once("exit", () => reject(new Error(`runner did not come up:\n${written.join("")}`)));
  });
}

function workingDirectoryOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    // It ended meanwhile.
    return undefined;
  }
}
