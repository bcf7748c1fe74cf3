import { atMost, type Figure, row } from "../figure.ts";
import { alternate, ratios, values } from "../measure.ts";
import { openSpawner } from "../parts/spawner.ts";
import { openSystem, type System } from "../parts/system.ts";

/** From asking for a job to its first byte of output: against a plain spawn, and in a runner that has grown. */
export const firstByte: Figure = {
  id: "G6",
  title: "From creating a job to its first byte",
  async measure({ gateway, rounds }) {
    const small = await openSystem(gateway);
    const large = await openSystem(gateway, { preload: "loop-probe.ts", env: { BENCH_RESIDENT_MIB: "400" } });
    const floor = await openSpawner(0);
    try {
      const runs = await alternate(rounds * jobsPerRound, {
        small: () => measureFirstByte(small),
        large: () => measureFirstByte(large),
        floor: async () => (await floor.spawn()).firstByteMs,
      });
      const times = (name: string) => medians(values(runs, name, (ms) => ms));
      return [
        row("first byte", "ms", times("small")),
        row("first byte, runner of 400 MiB", "ms", times("large")),
        row("first byte of a plain spawn", "ms", times("floor")),
        atMost(4, "over a plain spawn", ratios(times("small"), times("floor"))),
        atMost(1.2, "runner of 400 MiB over a fresh one", ratios(times("large"), times("small"))),
      ];
    } finally {
      await Promise.all([small.close(), large.close(), floor.close()]);
    }
  },
};

/** A job is short: each round is the median of several. */
const jobsPerRound = 10;

function medians(times: readonly number[]): number[] {
  const rounds = Array.from({ length: Math.ceil(times.length / jobsPerRound) }, (_, round) =>
    times.slice(round * jobsPerRound, (round + 1) * jobsPerRound),
  );
  return rounds.map((round) => row("", "ms", round).value.median);
}

async function measureFirstByte({ jobs, runner }: System): Promise<number> {
  await runner.untilRested();
  const startMs = performance.now();
  let firstMs = Number.NaN;
  const id = await jobs.create(["/bin/echo", "hello"]);
  await jobs.watch(id, () => {
    if (Number.isNaN(firstMs)) firstMs = performance.now() - startMs;
  });
  await jobs.delete(id);
  return firstMs;
}
