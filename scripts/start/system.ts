import { join, relative } from "node:path";
import { listChecks } from "./checklist.ts";
import { chooseIsolation, type Isolation } from "./choose-isolation.ts";
import { describeGateway } from "./gateway-part.ts";
import { openGuard } from "./guard.ts";
import { aborted, type Interrupts } from "./interrupts.ts";
import { takeLock } from "./lock.ts";
import { Part } from "./part.ts";
import { findPort, requirePort } from "./ports.ts";
import { runChecklist } from "./run-checklist.ts";
import { describeRunner } from "./runner-part.ts";
import type { Screen } from "./screen.ts";
import type { StartSettings, Variables } from "./settings.ts";
import { openStateFolder, type StateFolder } from "./state-folder.ts";
import { buildWebClient } from "./web-client.ts";

/** What a run of the system needs to know of the world. */
export interface Surroundings {
  readonly root: string;
  readonly settings: StartSettings;
  readonly environment: Variables;
  readonly interrupts: Interrupts;
  readonly screen: Screen;
}

/** Runs runner and gateway until interrupted, or until checked if that was all. Returns the exit code; leaves nothing running. */
export async function runSystem(surroundings: Surroundings): Promise<number> {
  const { settings } = surroundings;
  const state = await openStateFolder(settings.stateFolder);
  const lock = await takeLock(state.lock);
  try {
    const exitCode = await runLocked(surroundings, state);
    return surroundings.interrupts.second.aborted ? interruptedCode : exitCode;
  } finally {
    await lock.release();
  }
}

async function runLocked(surroundings: Surroundings, state: StateFolder): Promise<number> {
  const { root, settings, environment, interrupts, screen } = surroundings;
  await requirePort(settings.runnerPort, "PORT");
  await requirePort(settings.gatewayPort, "GATEWAY_PORT");
  if (!settings.grpc.mayMove) await requirePort(settings.grpc.port, "GRPC_PORT");
  const grpcPort = await findPort(settings.grpc.port);
  const [webClient, isolation] = await Promise.all([buildWebClient(root), chooseIsolation(settings, root)]);
  screen.passed(`Web client: ${webClient}`);
  if (interrupts.first.aborted) return interruptedCode;

  const guard = openGuard();
  const runner = new Part(
    describeRunner({ root, state, settings, environment, grpcPort, isolation: isolation.kind }),
    guard,
  );
  const gateway = new Part(await describeGateway({ root, state, settings, environment }), guard);
  try {
    return await Promise.race([
      serve({ ...surroundings, runner, gateway, grpcPort, isolation }),
      // Ctrl+C is how a system that stays up is meant to end.
      aborted(interrupts.first).then(() => (settings.once ? interruptedCode : 0)),
    ]);
  } finally {
    await stopAll({ ...surroundings, runner, gateway });
    await guard.close();
  }
}

/** What a shell calls the end by Ctrl+C. */
const interruptedCode = 130;

interface Served extends Surroundings {
  readonly runner: Part;
  readonly gateway: Part;
  readonly grpcPort: number;
  readonly isolation: Isolation;
}

/** Brings both parts up, checks them, and keeps them up until they are stopped. */
async function serve({ settings, interrupts, screen, runner, gateway, grpcPort, isolation }: Served): Promise<number> {
  const runnerUrl = `http://127.0.0.1:${settings.runnerPort}`;
  const gatewayUrl = `http://127.0.0.1:${settings.gatewayPort}`;
  await Promise.all([runner.start(), gateway.start()]);
  interrupts.first.throwIfAborted();
  const confinement =
    isolation.kind === "none" ? "isolation none: jobs run as you, without confinement" : "jobs run in boxes";
  screen.passed(`Runner:     ${runnerUrl} (${confinement})`);
  if (isolation.warning !== "") screen.plain(`Warning:    ${isolation.warning}`);
  screen.passed(`Gateway:    ${gatewayUrl}`);

  const keptUp = Promise.all([runner.keepUp(screen.plain), gateway.keepUp(screen.plain)]);
  screen.plain("\nVerification checklist");
  const checks = listChecks(runnerUrl, gatewayUrl);
  const failed = await Promise.race([runChecklist(checks, screen, interrupts.first), keptUp.then(() => 0)]);
  screen.plain(`${checks.length - failed} of ${checks.length} checks passed`);
  if (settings.once) return failed === 0 ? 0 : 1;

  for (const line of describeSystem({ settings, gatewayUrl, grpcPort })) screen.plain(line);
  await keptUp;
  return 0;
}

interface Whereabouts {
  readonly settings: StartSettings;
  readonly gatewayUrl: string;
  readonly grpcPort: number;
}

function describeSystem({ settings, gatewayUrl, grpcPort }: Whereabouts): readonly string[] {
  const near = relative(process.cwd(), settings.stateFolder);
  const state = near.startsWith("..") ? settings.stateFolder : near;
  const body = '{"type":"task","repo_ref":"test","command":"echo hello"}';
  return [
    "",
    `Open    ${gatewayUrl}`,
    `Try     curl -X POST ${gatewayUrl}/api/jobs -H 'Content-Type: application/json' -d '${body}'`,
    `gRPC    127.0.0.1:${grpcPort}, the runner's, with reflection; its token is in ${join(state, "runner/grpc-token")}`,
    `Logs    ${join(state, "logs")}`,
    "Stop    Ctrl+C",
  ];
}

/** Runner first: the gateway must still store what its jobs say last. A second interrupt cuts this short. */
async function stopAll({ runner, gateway, interrupts, screen }: Omit<Served, "grpcPort" | "isolation">): Promise<void> {
  if (interrupts.first.aborted) screen.plain("\nStopping, running jobs first. Ctrl+C again ends everything at once.");
  const stopInOrder = async () => {
    await runner.stop(runnerGraceMs);
    await gateway.stop(gatewayGraceMs);
  };
  await Promise.race([stopInOrder(), aborted(interrupts.second)]);
  if (interrupts.second.aborted) await Promise.all([runner.stop(lastWordMs), gateway.stop(0)]);
}

const runnerGraceMs = 30_000;
const gatewayGraceMs = 5000;
/** Even when hurried the runner gets this long, because only it knows what its jobs have started. */
const lastWordMs = 8000;
