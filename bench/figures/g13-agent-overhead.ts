import { randomUUID } from "node:crypto";
import { driveClaude } from "../../e2e/model/drive-claude.ts";
import { type Model, startModel } from "../../e2e/model/model.ts";
import { answer, text, toolUse } from "../../e2e/model/turn.ts";
import { atMost, type Figure, row } from "../figure.ts";
import { alternate, ratios, values } from "../measure.ts";
import { cpuMs } from "../parts/process-cost.ts";
import { openSystem, type System } from "../parts/system.ts";

/** What the runner adds to the CPU of an agent, against the same agent alone that talks to the model itself. */
export const agentOverhead: Figure = {
  id: "G13",
  title: "CPU of a Claude Code job over Claude Code alone",
  async measure({ gateway, rounds, scale }) {
    await using model = await startModel({ script: chattyTurns(Math.ceil(wordsPerTurn * scale)) });
    const env = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "sk-ant-bench" };
    const system = await openSystem(gateway, { env });
    try {
      const runs = await alternate(rounds, {
        alone: async () => ({ agentMs: await measureAlone(model), gatewayMs: 0 }),
        system: () => measureSystem(system),
      });
      const agentMs = (name: string) => values(runs, name, (cost) => cost.agentMs);
      return [
        row("runner, supervisor and Claude Code", "ms", agentMs("system")),
        row("Claude Code alone", "ms", agentMs("alone")),
        row(
          "gateway",
          "ms",
          values(runs, "system", (cost) => cost.gatewayMs),
        ),
        atMost(1.05, "over Claude Code alone", ratios(agentMs("system"), agentMs("alone"))),
      ];
    } finally {
      await system.close();
    }
  },
};

/** Milliseconds of CPU. */
interface Cost {
  readonly agentMs: number;
  readonly gatewayMs: number;
}

/** As much as an agent says in a few minutes; each word is an event. */
const wordsPerTurn = 500;
const toolTurns = 5;

function chattyTurns(words: number) {
  const talk = text("word ".repeat(words).trim());
  const look = () => answer([talk, toolUse("Bash", { command: "echo looked", description: "Look" })]);
  return [...Array.from({ length: toolTurns }, look), answer([talk])];
}

/** The tools and the talk of a job's Claude Code. What is ours alone is left out: to be asked after each step. */
const flags = [
  "--permission-prompt-tool=stdio",
  "--permission-mode=bypassPermissions",
  "--allow-dangerously-skip-permissions",
  "--forward-subagent-text",
  "--include-hook-events",
];
const environment = {
  CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1",
  CLAUDE_CODE_STARTUP_FAILURE_RESULTS: "1",
  CLAUDE_CODE_ENABLE_TODO_TOOLS: "1",
  CLAUDE_CODE_ENABLE_TASKS: "0",
};

/** The model runs in this very process, so of what it uses only its children count. */
async function measureAlone({ url: modelUrl }: Model): Promise<number> {
  const before = childrenMs();
  const { exitCode, stderr } = await driveClaude({
    modelUrl,
    sessionId: randomUUID(),
    flags,
    environment,
    files: {},
    prompt: "Look five times.",
    onLine: (line, claude) => line.type === "result" && claude.end(),
  });
  if (exitCode !== 0) throw new Error(`Claude Code ended with ${exitCode}: ${stderr}`);
  return childrenMs() - before;
}

function childrenMs(): number {
  return cpuMs([process.pid], { withChildren: true }) - cpuMs([process.pid], { withChildren: false });
}

async function measureSystem({ jobs, runner, workerd }: System): Promise<Cost> {
  await runner.untilRested();
  const agentBefore = runner.cpuMs();
  const gatewayBefore = cpuMs([workerd.pid], { withChildren: false });
  const id = await jobs.createAgent("Look five times.");
  await jobs.watch(id, () => undefined);
  await runner.untilRested();
  const agentMs = runner.cpuMs() - agentBefore;
  const gatewayMs = cpuMs([workerd.pid], { withChildren: false }) - gatewayBefore;
  await jobs.delete(id);
  return { agentMs, gatewayMs };
}
