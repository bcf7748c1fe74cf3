import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { FleetService } from "#gen/fleet/v1/fleet_service_pb.js";
import { JobService } from "#gen/job/v1/job_service_pb.js";
import { describeGateway } from "../../scripts/start/gateway-part.ts";
import { openGuard } from "../../scripts/start/guard.ts";
import { describeRunner } from "../../scripts/start/runner-part.ts";
import type { StartSettings } from "../../scripts/start/settings.ts";
import { openStateFolder } from "../../scripts/start/state-folder.ts";
import { findFreePorts } from "./free-ports.ts";
import { endProcessesIn } from "./processes.ts";
import { SystemPart } from "./system-part.ts";

/** A real runner and a real gateway, with ports and a state folder of their own. */
export interface TestSystem {
  readonly gatewayUrl: string;
  readonly runnerUrl: string;
  /** "host:port" of the runner's gRPC listener. */
  readonly grpcAddress: string;
  /** What gateway and runner sign with. */
  readonly secret: string;
  /** Holds all state; the runner's is in `runner/`. */
  readonly stateFolder: string;
  /** Binary Connect clients of the gateway. */
  readonly jobs: Client<typeof JobService>;
  readonly fleet: Client<typeof FleetService>;
  readonly runner: SystemPart;
  readonly gateway: SystemPart;
  /** Ends everything and removes the state; no process and no file is left. */
  stop(): Promise<void>;
}

/** How a system differs from the one of `npm start`. */
export interface SystemOptions {
  /** Variables of the runner. */
  readonly runnerEnv?: Readonly<Record<string, string>>;
  /** Variables of the gateway. */
  readonly gatewayVars?: Readonly<Record<string, string>>;
  /** "none" for jobs that must reach each other; otherwise they are in boxes. */
  readonly isolation?: "none";
  /** Folder of the pages that the gateway serves. An empty one unless given. */
  readonly pages?: string;
}

const root = join(import.meta.dirname, "../..");

/** Starts a system; settles when its gateway reaches its runner. */
export async function startSystem(options: SystemOptions = {}): Promise<TestSystem> {
  const stateFolder = await mkdtemp(join(tmpdir(), "system-"));
  const guard = openGuard();
  const [runnerPort, gatewayPort, grpcPort] = await findFreePorts();
  const settings: StartSettings = {
    runnerPort,
    gatewayPort,
    grpc: { port: grpcPort, mayMove: false },
    stateFolder,
    isolation: "none",
    once: false,
  };
  const state = await openStateFolder(stateFolder);
  const emptyPages = join(stateFolder, "pages");
  await mkdir(emptyPages);
  const { PATH, HOME } = process.env;
  const environment = { PATH, HOME, RUNNER_NAME: "vm-1", ...options.runnerEnv };
  const runner = new SystemPart(
    describeRunner({ root, state, settings, environment, grpcPort, isolation: options.isolation ?? "bubblewrap" }),
    guard,
  );
  const { gatewayVars: variables = {}, pages = emptyPages } = options;
  const gateway = new SystemPart(
    await describeGateway({ root, state, settings, environment: process.env, variables, pages }),
    guard,
  );

  async function stop(): Promise<void> {
    await runner.stop();
    await gateway.stop();
    await guard.close();
    await endProcessesIn(stateFolder);
    await rm(stateFolder, { recursive: true, force: true, maxRetries: 5 });
  }

  const gatewayUrl = `http://127.0.0.1:${gatewayPort}`;
  const transport = createConnectTransport({ baseUrl: gatewayUrl, useBinaryFormat: true });
  try {
    await Promise.all([runner.start(), gateway.start()]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    gatewayUrl,
    runnerUrl: `http://127.0.0.1:${runnerPort}`,
    grpcAddress: `127.0.0.1:${grpcPort}`,
    secret: state.secret,
    stateFolder,
    jobs: createClient(JobService, transport),
    fleet: createClient(FleetService, transport),
    runner,
    gateway,
    stop,
  };
}
