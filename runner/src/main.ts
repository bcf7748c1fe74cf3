import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { ConnectRouter } from "@connectrpc/connect";
import pino from "pino";
import { RunnerService, type StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { Nonces } from "./auth/nonces.ts";
import { type Config, type ListenAddress, loadConfig } from "./config.ts";
import { claimDataDirectory, lockName } from "./data-directory.ts";
import type { ExecutorStatus } from "./executor/executor.ts";
import { listExecutors } from "./executor/executors.ts";
import { Artifacts } from "./job/artifacts.ts";
import { Attachments } from "./job/attachments.ts";
import { Jobs } from "./job/jobs.ts";
import { LeftWork } from "./job/left-work.ts";
import { Sessions } from "./job/sessions.ts";
import { canUseWarmAgent, warmAgentName } from "./job/warm-use.ts";
import { DayLedger, ledgerDirectory } from "./model-proxy/day-ledger.ts";
import { createRunnerService } from "./runner-service.ts";
import { removeLeftGroups } from "./sandbox/cgroup-directories.ts";
import { findCgroups } from "./sandbox/cgroups.ts";
import { processLimits } from "./sandbox/process-limits.ts";
import { testSandbox } from "./sandbox/self-test.ts";
import { createGrpcServer } from "./server/grpc-server.ts";
import { createRunnerServer } from "./server.ts";
import { jobsDirectory, trashDirectory } from "./supervisor/job-directory.ts";
import { sessionRoot } from "./supervisor/session-directory.ts";
import { SupervisorPool } from "./supervisor/supervisor-pool.ts";
import { WarmSpares } from "./supervisor/warm-spares.ts";
import { version } from "./version.ts";
import { probeGit } from "./workspace/git-version.ts";
import { sweepMirrors } from "./workspace/mirror-upkeep.ts";
import { WorkspacePool } from "./workspace/workspace-pool.ts";

const startTime = new Date();
const heartbeatMs = 10_000;
/** Between SIGTERM and SIGKILL when everything is stopped. */
const stopGraceMs = 5_000;
/** For streams to carry the last events away. */
const farewellMs = 1_000;
const probeTimeoutMs = 20_000;
/** How often it is looked for what nobody needs any more. */
const upkeepMs = 600_000;

try {
  await runRunner(await loadConfig());
} catch (error) {
  process.stderr.write(`runner: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

async function runRunner(config: Config): Promise<void> {
  // Not pino's own way out: that one tries for ever, and blocks, when nobody reads the log any more.
  process.stdout.on("error", () => undefined);
  const logger = pino({ level: config.logLevel }, process.stdout);
  const unclaim = claimDataDirectory(config.dataDirectory);
  process.once("exit", unclaim);
  const cgroups = findCgroups();
  await removeLeftGroups(cgroups);
  const supervisors = new SupervisorPool({
    onHeld: (supervisor, held) => jobs.attach(supervisor, held),
    onProblem: (error) => logger.error({ err: error }, "supervisor problem"),
    confinement: { settings: config.sandbox, cgroups },
    limiting: processLimits(config.job.share),
    warm:
      config.warmAgents === 0 ? undefined : warmSpares(config, (session) => clear(sessions.clearWarm(session)), logger),
  });
  const pool = new WorkspacePool(config.job.workspace.pool, resolve(trashDirectory), Date.now);
  const sessions = new Sessions(config.sessions, pool, Date.now);
  const clear = (work: Promise<void>) =>
    void work.catch((error: unknown) => logger.error({ err: error }, "a warm agent's session cannot be cleared"));
  const canBeWarm = (request: StartJobRequest) => config.warmAgents > 0 && canUseWarmAgent(request, config.job);
  const artifacts = new Artifacts(config.artifactKeepMs, Date.now);
  const jobs = new Jobs({
    slots: config.slots,
    settings: config.job,
    supervisors,
    sessions,
    pool,
    artifacts,
    canBeWarm,
    logger,
  });
  jobs.adopt();
  jobs.sweep();
  clear(sessions.clearLeftWarm());
  const sweepMirrorCache = mirrorSweep(config, logger);
  pool.sweep();
  sweepMirrorCache();
  await supervisors.open();
  const attachments = new Attachments(Date.now);
  setInterval(() => {
    attachments.sweep();
    jobs.sweep();
    pool.sweep();
    sweepMirrorCache();
  }, upkeepMs).unref();
  const executors = probeExecutors(config);
  const git = probeGit(config.job.path, AbortSignal.timeout(probeTimeoutMs));
  const confinement = testSandbox(config.sandbox, lockName);
  void confinement.then(({ problem }) => problem !== "" && logger.error({ problem }, "jobs are refused"));
  const spending = new DayLedger(ledgerDirectory, Date.now);
  const service = createRunnerService({
    config,
    jobs,
    leftWork: new LeftWork({ settings: config.job, supervisors }),
    attachments,
    artifacts,
    executors,
    git,
    confinement,
    cgroups,
    spending,
    startTime,
    heartbeatMs,
  });
  const routes = (router: ConnectRouter) => void router.service(RunnerService, service);
  const nonces = new Nonces("nonces", Date.now(), (error) =>
    logger.error({ err: error }, "used signatures cannot be written down; a restart would forget them"),
  );
  const signatures = { keys: config.keys, nonces, now: Date.now };
  const server = createRunnerServer({ routes, signatures, events: { jobs, heartbeatMs }, logger });
  const address = await listen(server, config.listen);
  const grpcAddress = config.grpcPort === undefined ? undefined : await listenGrpc(config.grpcPort, routes, logger);
  const leave = async () => {
    server.close();
    await Promise.race([new Promise((resolve) => server.once("close", resolve)), wait(farewellMs)]);
    server.closeAllConnections();
    await supervisors[Symbol.asyncDispose]();
    logger.info("runner leaves");
    process.exit(0);
  };
  // First: whoever reads that it listens may end it at once.
  handleSignals({ config, jobs, leave, logger });
  logger.info(
    { version, address, grpcAddress, dataDirectory: config.dataDirectory, pid: process.pid },
    "runner listens",
  );
}

interface Shutdown {
  readonly config: Config;
  readonly jobs: Jobs;
  readonly leave: () => Promise<void>;
  readonly logger: pino.Logger;
}

/**
 * SIGTERM is how a runner is upgraded: no new jobs, some time for those that run, and what then still runs goes on and is
 * taken over by the next runner. SIGINT ends everything. A second signal of either kind gives no grace and waits
 * `stopGraceMs` for the ends at most; what then still runs goes on, too.
 */
function handleSignals({ config, jobs, leave, logger }: Shutdown): void {
  let signals = 0;
  const onSignal = async (signal: NodeJS.Signals) => {
    signals += 1;
    logger.info({ signal, running: jobs.slots.used }, "runner drains");
    jobs.draining = true;
    if (signals > 1) await Promise.race([jobs.stopAll(0), wait(stopGraceMs)]);
    else if (signal === "SIGINT") await jobs.stopAll(stopGraceMs);
    else await Promise.race([jobs.untilIdle(), wait(config.drainTimeoutMs)]);
    await leave();
  };
  process.on("SIGTERM", (signal) => void onSignal(signal));
  process.on("SIGINT", (signal) => void onSignal(signal));
}

function warmSpares({ warmAgents, job }: Config, onGone: (session: string) => void, logger: pino.Logger): WarmSpares {
  const onReady = (session: string) => logger.info({ session }, "an agent waits for a job");
  return new WarmSpares({ count: warmAgents, agent: warmAgentName, settings: job, onReady, onGone });
}

/** Clears away mirrors that are too old or too much. */
function mirrorSweep({ job }: Config, logger: pino.Logger): () => void {
  const { mirrors } = job.workspace;
  const isLive = (key: string) => existsSync(`${jobsDirectory}/${key}`) || existsSync(sessionRoot(key));
  return () =>
    void sweepMirrors({ mirrors, isLive, nowMs: Date.now(), trash: resolve(trashDirectory) }).catch((error: unknown) =>
      logger.error({ err: error }, "old mirrors cannot be cleared away"),
    );
}

function probeExecutors({ job }: Config) {
  const signal = AbortSignal.timeout(probeTimeoutMs);
  return new Map(
    Array.from(listExecutors(job.executors), ([name, executor]) => [
      name,
      executor.probe(job.executors, signal).catch(
        (error: unknown): ExecutorStatus => ({
          kind: "unusable",
          problem: `${name} could not be examined: ${error instanceof Error ? error.message : String(error)}`,
        }),
      ),
    ]),
  );
}

async function listenGrpc(port: number, routes: (router: ConnectRouter) => void, logger: pino.Logger): Promise<string> {
  const token = randomBytes(32).toString("hex");
  // A header as tools read it from a file: buf curl -H @grpc-token.
  writeFileSync("grpc-token", `authorization: Bearer ${token}\n`, { mode: 0o600 });
  return listen(createGrpcServer({ routes, token, logger }), { kind: "tcp", host: "127.0.0.1", port });
}

/** Listens, and answers where. */
async function listen(server: Server, address: ListenAddress): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(new Error(`${describe(address)} cannot be listened on: ${error.message}`)));
    if (address.kind === "unix") {
      // A runner that was killed leaves its socket behind.
      rmSync(address.path, { force: true });
      server.listen(address.path, resolve);
    } else server.listen(address.port, address.host, resolve);
  });
  // For the runner's user and group: a tunnel of another user joins the group.
  if (address.kind === "unix") chmodSync(address.path, 0o660);
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? `${bound.address}:${bound.port}` : describe(address);
}

function describe(address: ListenAddress): string {
  return address.kind === "unix" ? `unix:${address.path}` : `${address.host}:${address.port}`;
}
