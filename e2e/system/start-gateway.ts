import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { FleetService } from "#gen/fleet/v1/fleet_service_pb.js";
import { JobService } from "#gen/job/v1/job_service_pb.js";
import { describeGateway } from "../../scripts/start/gateway-part.ts";
import { openGuard } from "../../scripts/start/guard.ts";
import { openStateFolder } from "../../scripts/start/state-folder.ts";
import { findFreePorts } from "./free-ports.ts";
import { endProcessesIn } from "./processes.ts";
import type { TestSystem } from "./start-system.ts";
import { SystemPart } from "./system-part.ts";

/** A real gateway alone. */
export type TestGateway = Pick<TestSystem, "gatewayUrl" | "jobs" | "fleet" | "gateway" | "stop">;

const root = join(import.meta.dirname, "../..");

/** Starts a gateway, with a port and a state folder of its own, for the runner at this address. */
export async function startGateway(runnerUrl: string): Promise<TestGateway> {
  const stateFolder = await mkdtemp(join(tmpdir(), "gateway-"));
  const guard = openGuard();
  const [runnerPort, gatewayPort, grpcPort] = await findFreePorts();
  const grpc = { port: grpcPort, mayMove: false };
  const settings = { runnerPort, gatewayPort, grpc, stateFolder, isolation: "none", once: false };
  const state = await openStateFolder(stateFolder);
  const pages = join(stateFolder, "pages");
  await mkdir(pages);
  const plan = { root, state, settings, environment: process.env, variables: { RUNNER_URL: runnerUrl }, pages };
  const gateway = new SystemPart(await describeGateway(plan), guard);

  async function stop(): Promise<void> {
    await gateway.stop();
    await guard.close();
    await endProcessesIn(stateFolder);
    await rm(stateFolder, { recursive: true, force: true, maxRetries: 5 });
  }

  await gateway.start().catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const gatewayUrl = `http://127.0.0.1:${gatewayPort}`;
  const transport = createConnectTransport({ baseUrl: gatewayUrl, useBinaryFormat: true });
  return {
    gatewayUrl,
    jobs: createClient(JobService, transport),
    fleet: createClient(FleetService, transport),
    gateway,
    stop,
  };
}
