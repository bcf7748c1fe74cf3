import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";

/** The real `npm start`, on ports and in a state folder of its own. */
export interface StartRun {
  readonly gatewayUrl: string;
  /** What it printed so far. */
  output(): string;
  /** Settles once it has printed this, or fails with what it printed instead. */
  printed(text: string | RegExp): Promise<void>;
  signal(name: NodeJS.Signals): void;
  readonly exited: Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }>;
}

const script = join(import.meta.dirname, "../../scripts/start.ts");

/** Starts it; `variables` add to the environment or take from it. */
export function startSystem(
  stateFolder: string,
  [runner, gateway, grpc]: readonly [number, number, number],
  { args = [], variables = {} }: { args?: readonly string[]; variables?: NodeJS.ProcessEnv } = {},
): StartRun {
  const env = {
    ...process.env,
    PORT: String(runner),
    GATEWAY_PORT: String(gateway),
    GRPC_PORT: String(grpc),
    BLAZECRAFT_STATE_DIR: stateFolder,
    ...variables,
  };
  const child = spawn(process.execPath, [script, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  return {
    gatewayUrl: `http://127.0.0.1:${gateway}`,
    output: () => output,
    printed: (text) => expect.poll(() => output, { timeout: 90_000, interval: 20 }).toMatch(text),
    signal: (name) => void child.kill(name),
    exited: ending(child),
  };
}

function ending(child: ChildProcess): StartRun["exited"] {
  return new Promise((settle) => child.on("close", (exitCode, signal) => settle({ exitCode, signal })));
}

/** Processes, this one aside, whose command, environment or working directory names the folder: pid by command. */
export function findProcesses(folder: string): ReadonlyMap<number, string> {
  const pids = readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid);
  const found = pids.flatMap((pid): [number, string][] => {
    const command = read(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"));
    const environment = read(() => readFileSync(`/proc/${pid}/environ`, "utf8"));
    const workingDirectory = read(() => readlinkSync(`/proc/${pid}/cwd`));
    const isOurs = [command, environment, workingDirectory].some((text) => text.includes(folder));
    return isOurs ? [[pid, command.replaceAll("\0", " ").trim()]] : [];
  });
  return new Map(found);
}

/** Empty for a process that has ended meanwhile. */
function read(text: () => string): string {
  try {
    return text();
  } catch {
    return "";
  }
}
