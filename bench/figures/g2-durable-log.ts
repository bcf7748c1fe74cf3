import { atLeast, type Figure, type Row, row } from "../figure.ts";
import { alternate, ratios, type Samples, values } from "../measure.ts";
import { measureOutput, type OutputSample } from "../parts/measure-output.ts";
import { nodeProgram } from "../parts/program.ts";
import { openBytePipe, type Route, systemRoute } from "../parts/route.ts";
import { openSystem } from "../parts/system.ts";
import { openWebsocketd } from "../parts/websocketd.ts";
import { digestOfLines } from "../programs/lines.ts";

/** Output of one job as one watcher receives it while all of it is stored, against a pipe and against websocketd. */
export const durableLog: Figure = {
  id: "G2",
  title: "One job's output to one watcher, stored on the way",
  async measure({ gateway, rounds, scale }) {
    const bytes = 200_000_040 * scale;
    const program = nodeProgram("write-lines.ts", String(bytes));
    const expected = { bytes, sha256: digestOfLines(bytes) };
    const system = await openSystem(gateway);
    const floor = await openBytePipe(program);
    const peer = await openWebsocketd(program);
    const measure = (route: Route) => () => measureOutput(route, expected);
    try {
      const runs = await alternate<OutputSample>(rounds, {
        system: measure(systemRoute(system, program)),
        "a Node pipe": measure(floor),
        ...(peer && { websocketd: measure(peer) }),
      });
      return describe(runs);
    } finally {
      await Promise.all([system.close(), floor.close(), peer?.close()]);
    }
  },
};

function describe(runs: Samples<OutputSample>): Row[] {
  const rates = (name: string) => values(runs, name, ({ rate }) => rate);
  const names = [...runs.keys()];
  return [
    ...names.map((name) => row(`rate, ${name}`, "MB/s", rates(name))),
    row("rate over a Node pipe", "", ratios(rates("system"), rates("a Node pipe"))),
    ...(runs.has("websocketd")
      ? [atLeast(0.15, "rate over websocketd", ratios(rates("system"), rates("websocketd")))]
      : []),
    ...names.flatMap((name) => describeCosts(name, runs.get(name) ?? [])),
  ];
}

function describeCosts(name: string, samples: readonly OutputSample[]): Row[] {
  const parts = Object.keys(samples[0]?.costs ?? {});
  return parts.map((part) =>
    row(
      `CPU, ${name}: ${part}`,
      "ms/MB",
      samples.map(({ costs }) => costs[part] ?? Number.NaN),
    ),
  );
}
