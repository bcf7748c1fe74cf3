import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EndCause } from "#gen/job/v1/job_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { startRequest } from "../../testing/jobs.ts";
import { workspaceSettings } from "../../testing/workspace-settings.ts";
import { identifyProcess } from "../process/process-table.ts";
import { findCgroups } from "../sandbox/cgroups.ts";
import type { SandboxSettings } from "../sandbox/open-sandbox.ts";
import { onReports, type Report, send, socketName } from "./control.ts";
import { createJobDirectory, jobDirectory, jobsDirectory, trashDirectory } from "./job-directory.ts";
import type { Confinement } from "./job-sandbox.ts";
import { sessionsDirectory } from "./session-directory.ts";

// A hundred jobs take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

const home = process.cwd();
const program = fileURLToPath(new URL("./main.ts", import.meta.url));
const settings = {
  path: "/usr/bin:/bin",
  taskWallMs: 60_000,
  maxLogBytes: 1 << 20,
  artifacts: { maxBytes: 1 << 20, minFreeBytes: 0 },
  workspace: workspaceSettings,
  gitAuthor: { name: "Runner", email: "runner@example.com" },
  model: { baseUrl: "", silenceMs: 0, dayBudgetMicros: 0 },
  redact: [],
  egress: { allowed: [], mayAllowMore: true, exemptAddresses: [] },
  share: { memoryBytes: 1 << 28, maxProcesses: 512, diskBytes: 1 << 30 },
  executors: { searchPath: "/usr/bin:/bin" },
};

const bounds = { memoryBytes: 1 << 28, maxProcesses: 512 };
const sandbox: SandboxSettings = { kind: "bubblewrap", uidBase: 1_900_000_000, readable: [], bounds };
const confinement: Confinement = { settings: sandbox, cgroups: findCgroups() };

/** The test is the runner of one supervisor. */
let directory: string;
let server: Server;
let supervisor: ChildProcess;
let line: Socket;
let reports: Report["kind"][];

beforeEach(async () => {
  directory = mkdtempSync(`${tmpdir()}/blazecraft-supervisor-`);
  process.chdir(directory);
  for (const name of [jobsDirectory, sessionsDirectory, trashDirectory]) mkdirSync(name);
  reports = [];
  server = createServer((socket) => {
    line = socket;
    onReports(socket, ({ kind }) => reports.push(kind));
  }).listen(socketName);
  supervisor = spawn(process.execPath, ["--max-semi-space-size=1", program, JSON.stringify(confinement)], {
    stdio: "ignore",
    env: {},
  });
  await reported("hello");
});

afterEach(() => {
  supervisor.kill("SIGKILL");
  server.close();
  process.chdir(home);
  rmSync(directory, { recursive: true, maxRetries: 5 });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(5);
}

async function reported(kind: Report["kind"]): Promise<void> {
  await until(() => reports.includes(kind));
}

/** Has the supervisor begin a job. */
async function begin(request: StartJobRequest): Promise<void> {
  const identity = identifyProcess(supervisor.pid ?? 0);
  if (identity === undefined) throw new Error("the supervisor is dead");
  await createJobDirectory(request, { supervisor: identity, slot: 1 });
  reports = [];
  send(line, { kind: "run", jobId: request.jobId, slot: 1, settings });
}

function openFiles(): number {
  return readdirSync(`/proc/${supervisor.pid}/fd`).length;
}

test("an order to stop a job that has ended does not touch the next one", async () => {
  await begin(startRequest("true"));
  await reported("free");
  send(line, { kind: "stop", stop: { cause: EndCause.CANCELED, actor: null, graceMs: 0 } });
  const next = startRequest("sleep 0.1; touch whole");
  await begin(next);
  await reported("ended");
  expect(existsSync(`${jobDirectory(next.jobId).workspace}/whole`)).toBe(true);
});

test("forty jobs leave nothing open, and then the supervisor leaves itself", async () => {
  // The first two start no process.
  await begin(startRequest("true", { repoRef: "https://user@host/x" }));
  await reported("free");
  await begin(startRequest("", { work: { case: "agent", value: { agent: "nobody" } } }));
  await reported("free");
  const open: number[] = [];
  for (let jobs = 2; jobs < 39; jobs += 1) {
    await begin(startRequest("echo out; echo err >&2"));
    await reported("free");
    open.push(openFiles());
  }
  // The pipes of eight jobs are opened at once.
  expect(Math.max(...open.slice(-8))).toBe(Math.max(...open.slice(0, 8)));
  await begin(startRequest("true"));
  expect(await once(supervisor, "exit")).toEqual([0, null]);
  expect(reports).not.toContain("free");
});

test("a supervisor that cannot end its job ends itself", async () => {
  const request = startRequest("while [ -e ../start.json ]; do sleep 0.01; done");
  await begin(request);
  await reported("phase");
  // What it still writes meanwhile goes with the next try.
  rmSync(jobDirectory(request.jobId).root, { recursive: true, maxRetries: 10 });
  expect(await once(supervisor, "exit")).toEqual([null, "SIGKILL"]);
  expect(reports).not.toContain("free");
});

test("a spare whose runner is gone leaves", async () => {
  await begin(startRequest("true"));
  await reported("free");
  line.destroy();
  expect(await once(supervisor, "exit")).toEqual([0, null]);
});
