import { atMost, type Figure, row } from "../figure.ts";
import { alternate, ratios, values } from "../measure.ts";
import { forgetPeak, peakMib, residentMib } from "../parts/process-cost.ts";
import { nodeProgram } from "../parts/program.ts";
import { openSystem } from "../parts/system.ts";
import type { Bundle } from "../parts/workerd.ts";

/** What the gateway's memory does when watchers stop reading, and when a job writes much more. */
export const memory: Figure = {
  id: "G8",
  title: "Memory of the gateway",
  async measure({ gateway, rounds, scale }) {
    const ofJob =
      (megabytes: number, stuck = 0) =>
      () =>
        measureMemory(gateway, { bytes: megabytes * 1e6 * scale, stuck });
    const runs = await alternate(rounds, {
      free: ofJob(200),
      stuck: ofJob(200, 20),
      short: ofJob(50),
      long: ofJob(800),
    });
    const peaks = (name: string) => values(runs, name, ({ peak }) => peak);
    const growths = (name: string) => values(runs, name, ({ growth }) => growth);
    return [
      row("peak, 200 MB job", "MiB", peaks("free")),
      row("peak, 200 MB job, 20 stuck watchers", "MiB", peaks("stuck")),
      atMost(1.1, "20 stuck watchers over none", ratios(peaks("stuck"), peaks("free"))),
      row("growth, 50 MB job", "MiB", growths("short")),
      row("growth, 800 MB job", "MiB", growths("long")),
      atMost(1.2, "growth, 800 MB over 50 MB", ratios(growths("long"), growths("short"))),
    ];
  },
};

interface Load {
  readonly bytes: number;
  /** Watchers that never read, beside one that does. */
  readonly stuck: number;
}

interface MemoryUse {
  /** Largest resident memory of workerd. */
  readonly peak: number;
  /** How much larger that is than before the job. */
  readonly growth: number;
}

/** In a workerd of its own: what one job made it take it does not give back. */
async function measureMemory(gateway: Bundle, { bytes, stuck }: Load): Promise<MemoryUse> {
  const { jobs, workerd, close } = await openSystem(gateway);
  try {
    forgetPeak(workerd.pid);
    const before = residentMib(workerd.pid);
    const id = await jobs.create(nodeProgram("write-lines.ts", String(bytes)));
    const stuckWatches = await Promise.all(Array.from({ length: stuck }, () => jobs.openWatch(id)));
    let received = 0;
    await jobs.watch(id, (data) => {
      received += data.length;
    });
    if (received !== bytes) throw new Error(`${received} bytes came instead of ${bytes}`);
    const peak = peakMib(workerd.pid);
    for (const watch of stuckWatches) watch.destroy();
    return { peak, growth: peak - before };
  } finally {
    await close();
  }
}
