import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCgroups } from "../../runner/src/sandbox/cgroups.ts";
import { give } from "../../runner/src/sandbox/give.ts";
import { noSandbox } from "../../runner/src/sandbox/none.ts";
import { defaultUidBase, openSandbox } from "../../runner/src/sandbox/open-sandbox.ts";
import { runConfined } from "../../runner/src/sandbox/run-confined.ts";
import type { Sandbox } from "../../runner/src/sandbox/sandbox.ts";
import { atMostMs, type Figure, row } from "../figure.ts";
import { alternate, spread, values } from "../measure.ts";

/** What it costs a command to run in a box, from its start to its end. */
export const box: Figure = {
  id: "B1",
  title: "A command in a box over the same without",
  async measure({ rounds }) {
    const directory = mkdtempSync(join(tmpdir(), "blazecraft-bench-box-"));
    const opened = await openSandbox(
      {
        kind: "bubblewrap",
        uidBase: defaultUidBase,
        readable: [],
        bounds: { memoryBytes: 2 ** 30, maxProcesses: 256 },
      },
      findCgroups(),
    );
    try {
      give(opened.sandbox, directory);
      const runs = await alternate(rounds * runsPerRound, {
        boxed: () => measureRun(opened.sandbox, directory),
        plain: () => measureRun(noSandbox, directory),
      });
      const times = (name: string) => medians(values(runs, name, (ms) => ms));
      const [boxed, plain] = [times("boxed"), times("plain")];
      return [
        row("true in a box", "ms", boxed),
        row("true without", "ms", plain),
        atMostMs(
          25,
          "the box",
          boxed.map((ms, round) => ms - (plain[round] ?? Number.NaN)),
        ),
      ];
    } finally {
      opened.network?.[Symbol.dispose]();
      await opened.cgroup?.remove();
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

/** A run is short: each round is the median of many. */
const runsPerRound = 40;

function medians(times: readonly number[]): number[] {
  const rounds = Array.from({ length: Math.ceil(times.length / runsPerRound) }, (_, round) =>
    times.slice(round * runsPerRound, (round + 1) * runsPerRound),
  );
  return rounds.map((round) => spread(round).median);
}

async function measureRun(sandbox: Sandbox, directory: string): Promise<number> {
  const startMs = performance.now();
  const command = {
    argv: ["true"] as const,
    env: { PATH: "/usr/bin:/bin" },
    directory,
    writable: [directory],
    readable: [],
    network: "proxied",
  } as const;
  const result = await runConfined(sandbox, { command, signal: AbortSignal.timeout(10_000), maxOutputBytes: 0 });
  if (result.kind === "unstartable") throw new Error(`no box can be built: ${result.stderr}`);
  return performance.now() - startMs;
}
