// `npm run bench`: measures the real system against floors and peers, in turns. See docs/benchmarks.md.
import { join } from "node:path";
import type { Figure } from "./figure.ts";
import { box } from "./figures/b1-box.ts";
import { durableLog } from "./figures/g2-durable-log.ts";
import { fanOut } from "./figures/g3-fan-out.ts";
import { lineLatency } from "./figures/g4-line-latency.ts";
import { firstByte } from "./figures/g6-first-byte.ts";
import { spawnBlock } from "./figures/g7-spawn-block.ts";
import { memory } from "./figures/g8-memory.ts";
import { warmAgent } from "./figures/g9-warm-agent.ts";
import { workspaceReady } from "./figures/g10-workspace.ts";
import { agentOverhead } from "./figures/g13-agent-overhead.ts";
import { redaction } from "./figures/r1-redaction.ts";
import { agentJobs } from "./figures/s1-agent-jobs.ts";
import { browserLog } from "./figures/w1-browser-log.ts";
import { bundleGateway } from "./parts/workerd.ts";
import { formatTable, type Measured, writeResults } from "./report.ts";
import { parseSettings } from "./settings.ts";

const figures: readonly Figure[] = [
  durableLog,
  fanOut,
  lineLatency,
  firstByte,
  spawnBlock,
  memory,
  warmAgent,
  workspaceReady,
  agentOverhead,
  redaction,
  box,
  agentJobs,
  browserLog,
];

// Ending by "exit" ends the programs that were started, too.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const settings = parseSettings(process.argv.slice(2));
const chosen = figures.filter(({ id }) => settings.only.length === 0 || settings.only.includes(id));
const gateway = await bundleGateway();
const measured: Measured[] = [];
try {
  for (const { id, title, measure } of chosen) {
    process.stderr.write(`${id} …\n`);
    const figure = { id, title, rows: await measure({ ...settings, gateway }) };
    measured.push(figure);
    for (const line of formatTable(figure)) console.log(line);
  }
} finally {
  await gateway.close();
}
console.log(`\n${await writeResults(join(import.meta.dirname, "results"), measured, new Date())}`);
