/**
 * Runs scripts in boxes and writes what came of them as JSON. As a program of its own, it can be started as another user
 * than root. What to do comes on standard input, a `BoxTask`.
 */
import { text } from "node:stream/consumers";
import { Bubblewrap } from "../src/sandbox/bubblewrap.ts";
import { give } from "../src/sandbox/give.ts";
import { NetworkNamespace } from "../src/sandbox/network-namespace.ts";
import { runConfined } from "../src/sandbox/run-confined.ts";
import type { BoxUser, ConfinedCommand } from "../src/sandbox/sandbox.ts";
import type { WallName } from "../src/sandbox/walls.ts";

/** What to run, one box after the other. */
export interface BoxTask {
  /** Absolute path of a directory that is given to whoever is in the boxes. */
  readonly workspace: string;
  /** Absent when that is whoever runs this. */
  readonly user?: BoxUser;
  readonly runs: readonly BoxRun[];
}

/** A script of the shell, and the box it runs in. */
export interface BoxRun {
  readonly script: string;
  readonly without?: readonly WallName[];
  readonly env?: Readonly<Record<string, string>>;
  readonly network?: ConfinedCommand["network"];
}

/** What came of a run. */
export interface BoxResult {
  /** Exit code or signal; or why nothing ran. */
  readonly end: string;
  readonly stdout: string;
  readonly stderr: string;
}

const { workspace, user, runs }: BoxTask = JSON.parse(await text(process.stdin));
const network = await NetworkNamespace.open();
const results: BoxResult[] = [];
give({ user }, workspace);
for (const run of runs) results.push(await runInBox(run));
process.stdout.write(JSON.stringify(results), () => process.exit(0));

async function runInBox({ script, without = [], env = {}, network: reach = "proxied" }: BoxRun): Promise<BoxResult> {
  const sandbox = new Bubblewrap({ user, network, readable: [], prefix: [], without });
  const command = {
    argv: ["sh", "-c", script] as const,
    env: { PATH: "/usr/bin:/bin", HOME: workspace, ...env },
    directory: workspace,
    writable: [workspace],
    readable: [],
    network: reach,
  };
  const signal = AbortSignal.timeout(20_000);
  const result = await runConfined(sandbox, { command, signal, maxOutputBytes: 1 << 20 });
  if (result.kind === "unstartable") return { end: result.code, stdout: "", stderr: result.stderr };
  const { exit, stdout, stderr } = result;
  return { end: exit.kind === "exited" ? String(exit.exitCode) : exit.signal, stdout: stdout.toString(), stderr };
}
