import { availableParallelism } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { Tally } from "./tally.ts";

/** The repository's root, where every command runs. */
export const root = join(import.meta.dirname, "..");

/** How a check ended; a skipped one says why it has nothing to look at. */
export type Verdict =
  | { readonly kind: "passed" }
  | { readonly kind: "failed"; readonly output: string }
  | { readonly kind: "skipped"; readonly reason: string };

/** Something that holds of the repository, or does not. */
export type Check = { readonly name: string; readonly run: () => Promise<Verdict> };

/** Runs the checks, as many at once as there are cores, and prints a line for each, with its output only if it fails. */
export async function runChecks(checks: readonly Check[]): Promise<Tally> {
  const waiting = checks.values();
  const tally = { passed: 0, failed: 0, skipped: 0 };
  const worker = async () => {
    for (const check of waiting) {
      const startedMs = performance.now();
      const verdict = await check.run();
      console.log(describe(check.name, verdict, performance.now() - startedMs));
      tally[verdict.kind] += 1;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return tally;
}

function describe(name: string, verdict: Verdict, elapsedMs: number): string {
  const time = `${(elapsedMs / 1000).toFixed(1)} s`;
  switch (verdict.kind) {
    case "passed":
      return `✓ ${name} (${time})`;
    case "failed":
      return `✗ ${name} (${time})\n${verdict.output.trimEnd()}\n`;
    case "skipped":
      return `- ${name} skipped: ${verdict.reason}`;
  }
}

/** Runs a command of node_modules or of the system; it passes by exiting with 0. */
export async function runCommand(command: string, args: readonly string[]): Promise<Verdict> {
  const result = await execa(command, args, {
    all: true,
    cwd: root,
    env: { NO_COLOR: "1" },
    preferLocal: true,
    reject: false,
    stdin: "ignore",
  });
  if (!result.failed) return { kind: "passed" };
  return { kind: "failed", output: [result.shortMessage, result.all].join("\n") };
}
