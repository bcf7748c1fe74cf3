import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { driveClaude } from "../../e2e/model/drive-claude.ts";
import { type Model, startModel } from "../../e2e/model/model.ts";
import { answer, text } from "../../e2e/model/turn.ts";
import { atMost, type Figure, row } from "../figure.ts";
import { alternate, ratios, values } from "../measure.ts";
import { openSystem, type System } from "../parts/system.ts";

/** From asking for an agent's job to the first thing that the agent does, when an agent waits for it and when none does. */
export const warmAgent: Figure = {
  id: "G9",
  title: "From creating a Claude Code job to its first agent event",
  async measure({ gateway, rounds }) {
    await using model = await startModel({ script: [answer([text("Done.")])] });
    const env = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "sk-ant-bench" };
    const warm = await openSystem(gateway, { env: { ...env, WARM_AGENTS: "1" } });
    const cold = await openSystem(gateway, { env });
    let jobs = 0;
    const untilOneWaits = async () => {
      // One was started for each job so far, and one more.
      while (warm.runner.timesLogged("an agent waits for a job") <= jobs) await wait(pollMs);
      jobs += 1;
    };
    try {
      const runs = await alternate(rounds, {
        warm: async () => {
          await untilOneWaits();
          return measureFirstEvent(warm);
        },
        cold: () => measureFirstEvent(cold),
        alone: () => measureAlone(model),
      });
      const times = (name: string) => values(runs, name, (ms) => ms);
      return [
        row("first event, an agent waits", "ms", times("warm")),
        row("first event, none waits", "ms", times("cold")),
        row("first line of Claude Code alone", "ms", times("alone")),
        atMost(0.4, "one that waits over none", ratios(times("warm"), times("cold"))),
        atMost(0.4, "one that waits over Claude Code alone", ratios(times("warm"), times("alone"))),
      ];
    } finally {
      await Promise.all([warm.close(), cold.close()]);
    }
  },
};

const pollMs = 20;

async function measureFirstEvent({ jobs, runner }: System): Promise<number> {
  await runner.untilRested();
  const startMs = performance.now();
  let firstMs = Number.NaN;
  const id = await jobs.createAgent("Say that you are done.");
  await jobs.watch(
    id,
    () => undefined,
    (payload) => {
      if (payload.case === "agent" && Number.isNaN(firstMs)) firstMs = performance.now() - startMs;
    },
  );
  await jobs.delete(id);
  return firstMs;
}

async function measureAlone({ url: modelUrl }: Model): Promise<number> {
  const startMs = performance.now();
  let firstMs = Number.NaN;
  await driveClaude({
    modelUrl,
    sessionId: randomUUID(),
    flags: ["--permission-mode=bypassPermissions"],
    environment: {},
    files: {},
    prompt: "Say that you are done.",
    onLine: (line, claude) => {
      if (Number.isNaN(firstMs)) firstMs = performance.now() - startMs;
      if (line.type === "result") claude.end();
    },
  });
  return firstMs;
}
