import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { startModel } from "../../e2e/model/model.ts";
import { answer, text, toolUse } from "../../e2e/model/turn.ts";
import { atMost, type Figure, row } from "../figure.ts";
import { residentMib } from "../parts/process-cost.ts";
import { openSystem, type System } from "../parts/system.ts";

/** Many agent jobs through three slots: what is left of them, and what they make runner and gateway take. */
export const agentJobs: Figure = {
  id: "S1",
  title: "One hundred Claude Code jobs of ten turns",
  async measure({ gateway, scale }) {
    await using model = await startModel({ script: [...tenTools(), answer([text("Done.")])] });
    const env = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "sk-ant-bench" };
    const system = await openSystem(gateway, { env });
    try {
      const count = 100 * scale;
      const startMs = performance.now();
      const { ids, samples } = await runJobs(system, count);
      const minutes = (performance.now() - startMs) / 60_000;
      await untilNothingIsLeft(ids);
      const early = samples.slice(count / 5, (count * 2) / 5);
      const late = samples.slice((count * 4) / 5);
      const grown = (part: keyof Sample) => [mean(late.map((s) => s[part])) / mean(early.map((s) => s[part]))];
      return [
        row("jobs ended", "1/min", [count / minutes]),
        row(
          "runner",
          "MiB",
          samples.map(({ runner }) => runner),
        ),
        row(
          "workerd",
          "MiB",
          samples.map(({ workerd }) => workerd),
        ),
        atMost(1.2, "runner, last fifth over second", grown("runner")),
        atMost(1.2, "workerd, last fifth over second", grown("workerd")),
      ];
    } finally {
      await system.close();
    }
  },
};

/** Resident memory in MiB when a job had ended. */
interface Sample {
  readonly runner: number;
  readonly workerd: number;
}

function tenTools() {
  return Array.from({ length: 10 }, (_, turn) =>
    answer([toolUse("Bash", { command: `echo turn ${turn}`, description: "Say which turn it is" })]),
  );
}

/** Creates them all at once; every one must succeed, and its watcher see all of it. */
async function runJobs({ jobs, runner, workerd }: System, count: number) {
  const samples: Sample[] = [];
  const ids = await Promise.all(Array.from({ length: count }, (_, at) => jobs.createAgent(`Take ten turns, ${at}.`)));
  await Promise.all(
    ids.map(async (id) => {
      await jobs.watch(id, () => undefined);
      const [pid = 0] = runner.pids;
      samples.push({ runner: residentMib(pid), workerd: residentMib(workerd.pid) });
    }),
  );
  return { ids, samples };
}

/** Throws when a process of these jobs is still there some seconds after the last has ended. */
async function untilNothingIsLeft(ids: readonly string[]): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const left = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && isOf(ids, pid));
    if (left.length === 0) return;
    if (tries === 50) throw new Error(`processes of jobs are left: ${left.join(", ")}`);
    await wait(100);
  }
}

function isOf(ids: readonly string[], pid: string): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
    return ids.some((id) => environment.includes(`BLAZECRAFT_JOB_ID=${id}`));
  } catch {
    // It has just ended, or is another user's.
    return false;
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
