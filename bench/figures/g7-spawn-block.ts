import { once } from "node:events";
import { atMost, type Figure, row } from "../figure.ts";
import { alternate, ratios, values } from "../measure.ts";
import { openSpawner } from "../parts/spawner.ts";
import { openSystem, type System } from "../parts/system.ts";

/** How long the event loop of a runner that has grown stands still for a job, against a plain spawn in a process as large. */
export const spawnBlock: Figure = {
  id: "G7",
  title: "Longest turn of the runner's event loop during a job, at 400 MiB",
  async measure({ gateway, rounds }) {
    const system = await openSystem(gateway, { preload: "loop-probe.ts", env: { BENCH_RESIDENT_MIB: "400" } });
    const spawner = await openSpawner(400);
    try {
      const runs = await alternate(rounds * jobsPerRound, {
        system: () => measureLongestTurn(system),
        spawn: async () => (await spawner.spawn()).blockedMs,
      });
      const times = (name: string) => values(runs, name, (ms) => ms);
      return [
        row("longest turn", "ms", times("system")),
        row("a plain spawn", "ms", times("spawn")),
        atMost(0.05, "over a plain spawn", ratios(times("system"), times("spawn"))),
      ];
    } finally {
      await Promise.all([system.close(), spawner.close()]);
    }
  },
};

const jobsPerRound = 10;

async function measureLongestTurn({ jobs, runner }: System): Promise<number> {
  await runner.untilRested();
  runner.process.send("start");
  const id = await jobs.create(["/bin/echo", "hello"]);
  await jobs.watch(id, () => undefined);
  runner.process.send("stop");
  const [{ longestMs }] = (await once(runner.process, "message")) as [{ longestMs: number }];
  await jobs.delete(id);
  return longestMs;
}
