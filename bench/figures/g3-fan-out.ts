import { atLeast, atMost, type Figure, row } from "../figure.ts";
import { alternate, ratios, values } from "../measure.ts";
import { cpuMs } from "../parts/process-cost.ts";
import { nodeProgram } from "../parts/program.ts";
import { EnvelopeWalker } from "../parts/readers.ts";
import { openSystem, type System } from "../parts/system.ts";
import { openWebsocketd, type PeerRoute } from "../parts/websocketd.ts";

/** One job's output to a hundred watchers at once, against one watcher, and against websocketd, which runs it a hundred times. */
export const fanOut: Figure = {
  id: "G3",
  title: "One job's output to 100 watchers",
  async measure({ gateway, rounds, scale }) {
    const bytes = 20_000_040 * scale;
    const program = nodeProgram("write-lines.ts", String(bytes));
    const system = await openSystem(gateway);
    const peer = await openWebsocketd(program);
    try {
      const runs = await alternate<Delivery>(rounds, {
        one: () => watchTogether(system, { program, bytes, watchers: 1 }),
        many: () => watchTogether(system, { program, bytes, watchers: manyWatchers }),
        ...(peer && { peer: () => runTogether(peer, bytes) }),
      });
      const rates = (name: string) => values(runs, name, ({ rate }) => rate);
      const gatewayCosts = (name: string) => values(runs, name, ({ serverCost }) => serverCost);
      return [
        row("delivered", "MB/s", rates("many")),
        row("delivered to a single watcher", "MB/s", rates("one")),
        ...(peer === undefined ? [] : [row("delivered by websocketd", "MB/s", rates("peer"))]),
        ...(peer === undefined ? [] : [atLeast(2, "delivered over websocketd", ratios(rates("many"), rates("peer")))]),
        row("CPU of gateway per MB delivered", "ms/MB", gatewayCosts("many")),
        row("CPU of gateway per MB to a single watcher", "ms/MB", gatewayCosts("one")),
        atMost(0.2, "CPU per MB, 100 watchers over one", ratios(gatewayCosts("many"), gatewayCosts("one"))),
        row(
          "CPU of the client per MB received",
          "ms/MB",
          values(runs, "many", ({ clientCost }) => clientCost),
        ),
      ];
    } finally {
      await Promise.all([system.close(), peer?.close()]);
    }
  },
};

const manyWatchers = 100;

interface Delivery {
  /** Megabytes a second to all watchers together. */
  readonly rate: number;
  /** Milliseconds of CPU for each megabyte that was delivered. */
  readonly serverCost: number;
  readonly clientCost: number;
}

interface Audience {
  readonly program: readonly string[];
  readonly bytes: number;
  readonly watchers: number;
}

async function watchTogether({ jobs, workerd }: System, { program, bytes, watchers }: Audience): Promise<Delivery> {
  const serverMs = () => cpuMs([workerd.pid], { withChildren: false });
  let id = "";
  const delivery = await measureDelivery(bytes * watchers, serverMs, async () => {
    id = await jobs.create(program);
    await Promise.all(Array.from({ length: watchers }, () => watch()));
  });
  await jobs.delete(id);
  return delivery;

  async function watch(): Promise<void> {
    const walker = new EnvelopeWalker();
    let received = 0;
    await jobs.watchBytes(id, (data) => {
      walker.take(data);
      received += data.length;
    });
    walker.expectEnd();
    if (received < bytes) throw new Error(`${received} bytes came, fewer than the job's ${bytes}`);
  }
}

async function runTogether(peer: PeerRoute, bytes: number): Promise<Delivery> {
  const serverMs = () => Object.values(peer.cpuMs()).reduce((sum, ms) => sum + ms, 0);
  return await measureDelivery(bytes * manyWatchers, serverMs, async () => {
    await Promise.all(Array.from({ length: manyWatchers }, () => runOnce()));
  });

  async function runOnce(): Promise<void> {
    let received = 0;
    await peer.run((data) => {
      received += data.length;
    });
    if (received !== bytes) throw new Error(`${received} bytes came instead of ${bytes}`);
  }
}

async function measureDelivery(bytes: number, serverMs: () => number, deliver: () => Promise<void>): Promise<Delivery> {
  const serverBefore = serverMs();
  const clientBefore = process.cpuUsage();
  const startMs = performance.now();
  await deliver();
  const elapsedMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(clientBefore);
  return {
    rate: bytes / 1000 / elapsedMs,
    serverCost: (serverMs() - serverBefore) / (bytes / 1e6),
    clientCost: (user + system) / 1000 / (bytes / 1e6),
  };
}
