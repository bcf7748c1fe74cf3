import { atMost, type Figure, type Row, row } from "../figure.ts";
import { alternate, quantile, ratios, type Samples, values } from "../measure.ts";
import { nodeProgram } from "../parts/program.ts";
import { AgeReader } from "../parts/readers.ts";
import { openBytePipe, type Route, systemRoute } from "../parts/route.ts";
import { openSystem } from "../parts/system.ts";
import { openWebsocketd } from "../parts/websocketd.ts";

/** How old a line is when its watcher has it: a line each 20 ms, against a pipe and against websocketd. */
export const lineLatency: Figure = {
  id: "G4",
  title: "Age of a line at one watcher, a line each 20 ms",
  async measure({ gateway, rounds }) {
    const program = nodeProgram("tick.ts", String(lines), "20");
    const system = await openSystem(gateway);
    const floor = await openBytePipe(program);
    const peer = await openWebsocketd(program);
    try {
      return describe(
        await alternate(rounds, {
          system: () => measureAges(systemRoute(system, program)),
          "a Node pipe": () => measureAges(floor),
          ...(peer && { websocketd: () => measureAges(peer) }),
        }),
      );
    } finally {
      await Promise.all([system.close(), floor.close(), peer?.close()]);
    }
  },
};

const lines = 150;

interface Ages {
  readonly p50: number;
  readonly p99: number;
}

async function measureAges(route: Route): Promise<Ages> {
  const reader = new AgeReader();
  await route.run((data) => reader.take(data));
  if (reader.agesMs.length !== lines) throw new Error(`${reader.agesMs.length} lines came instead of ${lines}`);
  const sorted = reader.agesMs.toSorted((one, other) => one - other);
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
}

function describe(runs: Samples<Ages>): Row[] {
  const p50 = (name: string) => values(runs, name, (ages) => ages.p50);
  const p99 = (name: string) => values(runs, name, (ages) => ages.p99);
  return [
    ...[...runs.keys()].flatMap((name) => [row(`p50, ${name}`, "ms", p50(name)), row(`p99, ${name}`, "ms", p99(name))]),
    atMost(2, "p50 over a Node pipe", ratios(p50("system"), p50("a Node pipe"))),
    atMost(2.5, "p99 over a Node pipe", ratios(p99("system"), p99("a Node pipe"))),
  ];
}
