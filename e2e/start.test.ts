import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { findProcesses, startSystem } from "./start/start-run.ts";
import { findFreePorts } from "./system/free-ports.ts";

// Some bring a system up several times, each time as slowly as the machine is busy.
vi.setConfig({ testTimeout: 240_000 });

let stateFolder: string;
let ports: readonly [runner: number, gateway: number, grpc: number];
beforeEach(async () => {
  stateFolder = await mkdtemp(join(tmpdir(), "start-"));
  ports = await findFreePorts();
});
afterEach(async () => {
  const left = findProcesses(stateFolder);
  for (const pid of left.keys()) kill(pid);
  await rm(stateFolder, { recursive: true, force: true, maxRetries: 5 });
  expect([...left.values()], "processes left running").toEqual([]);
});

test("--once passes the guide's four checks", async () => {
  const run = startSystem(stateFolder, ports, { args: ["--once"] });
  expect(await run.exited, run.output()).toEqual({ exitCode: 0, signal: null });
  const output = run.output();
  expect(output).toContain(`GET http://127.0.0.1:${ports[0]}/health\n    200 {"status":"ok","version":"1.0.0"`);
  expect(output).toMatch(/200 \{"runner":"connected","latency_ms":\d+/);
  expect(output).toMatch(/201 \{"id":"job_[0-9a-z]{16}","status":"pending",…\}/);
  expect(output).toMatch(/log {4}hello\n {4}end {4}succeeded/);
  expect(output).toContain("4 of 4 checks passed");
  expect(output, "no colours without a terminal").not.toContain("\u001b");
});

test("what dies is brought back, a second start is refused, and Ctrl+C ends everything but the state", async () => {
  const run = startSystem(stateFolder, ports);
  await run.printed("Stop    Ctrl+C");
  const job = await createJob(run.gatewayUrl, "i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.1; done");
  await eventually(() => readLog(run.gatewayUrl, job)).toContain("tick 3\n");

  const secret = (await readFile(join(stateFolder, "secret"), "utf8")).trim();
  expect([...findProcesses(stateFolder).values()].join(), "the secret in a process list").not.toContain(secret);

  const second = startSystem(stateFolder, await findFreePorts());
  expect((await second.exited).exitCode).toBe(1);
  expect(second.output()).toContain("npm start is already running in this folder");

  kill(findPart("/bin/workerd serve"));
  await run.printed(/The gateway lost its workerd; it is back after [\d.]+ s/);
  await eventually(() => readStatus(run.gatewayUrl, job)).toBe("running");

  kill(findPart("/runner/src/main.ts"));
  await run.printed(/The runner was ended by SIGKILL; it is back after [\d.]+ s/);
  const lines = (await readLog(run.gatewayUrl, job)).split("\n").length;
  await eventually(async () => (await readLog(run.gatewayUrl, job)).split("\n").length).toBeGreaterThan(lines);

  kill(findPart("wrangler-dist/cli.js"));
  await run.printed(/The gateway was ended by SIGKILL; it is back after [\d.]+ s/);
  await eventually(() => readStatus(run.gatewayUrl, job)).toBe("running");

  run.signal("SIGINT");
  expect(await run.exited, run.output()).toEqual({ exitCode: 0, signal: null });
  expect([...findProcesses(stateFolder).values()]).toEqual([]);

  const next = startSystem(stateFolder, ports);
  await next.printed("Stop    Ctrl+C");
  expect(await readStatus(next.gatewayUrl, job)).toBe("failed");
  const ticks = (await readLog(next.gatewayUrl, job)).trimEnd().split("\n");
  expect(ticks).toEqual(ticks.map((_, index) => `tick ${index + 1}`));
  next.signal("SIGTERM");
  expect(await next.exited, next.output()).toEqual({ exitCode: 0, signal: null });
});

test("a second Ctrl+C ends at once also what ignores signals", async () => {
  const run = startSystem(stateFolder, ports);
  await run.printed("Stop    Ctrl+C");
  const job = await createJob(run.gatewayUrl, "trap '' TERM INT; echo stubborn; while :; do sleep 1; done");
  await eventually(() => readLog(run.gatewayUrl, job)).toBe("stubborn\n");
  run.signal("SIGINT");
  await run.printed("Ctrl+C again ends everything at once");
  // Signals within half a second of the first are its echoes.
  const again = setInterval(() => run.signal("SIGINT"), 600);
  const { exitCode } = await run.exited;
  clearInterval(again);
  expect(exitCode).toBe(130);
});

test("kill -9 of npm start itself leaves no part running, and the next start works", async () => {
  const run = startSystem(stateFolder, ports);
  await run.printed("Stop    Ctrl+C");
  run.signal("SIGKILL");
  await run.exited;
  await eventually(() => [...findProcesses(stateFolder).values()]).toEqual([]);
  const next = startSystem(stateFolder, ports, { args: ["--once"] });
  expect((await next.exited).exitCode, next.output()).toBe(0);
});

test("a taken port is named with the variable that moves it", async () => {
  const occupant = createServer().listen(ports[1], "127.0.0.1");
  await once(occupant, "listening");
  const run = startSystem(stateFolder, ports);
  expect((await run.exited).exitCode).toBe(1);
  expect(run.output()).toMatch(`✗ port ${ports[1]} is taken by another program`);
  expect(run.output()).toMatch("GATEWAY_PORT=… npm start");
  occupant.close();
});

test("a runner that does not come up is shown with its last lines", async () => {
  const run = startSystem(stateFolder, ports, { variables: { MAX_CONCURRENT_JOBS: "many" } });
  expect((await run.exited).exitCode).toBe(1);
  expect(run.output()).toContain("✗ the runner did not come up: it ended with exit code 1. Its last lines");
  expect(run.output()).toContain('MAX_CONCURRENT_JOBS is "many"');
});

test("a missing git is said before anything is started", async () => {
  const run = startSystem(stateFolder, ports, { variables: { PATH: stateFolder } });
  expect((await run.exited).exitCode).toBe(1);
  expect(run.output()).toContain("✗ git is needed and was not found");
});

function eventually<Value>(read: () => Value | Promise<Value>) {
  return expect.poll(read, { timeout: 60_000 });
}

function findPart(command: string): number {
  const [pid] = [...findProcesses(stateFolder)].find(([, text]) => text.includes(command)) ?? [];
  if (pid === undefined) throw new Error(`no process of this run is called ${command}`);
  return pid;
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}

async function createJob(gatewayUrl: string, command: string): Promise<string> {
  const response = await fetch(`${gatewayUrl}/api/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ type: "task", repo_ref: "test", command }),
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as { id: string }).id;
}

async function readStatus(gatewayUrl: string, job: string): Promise<string> {
  const response = await fetch(`${gatewayUrl}/api/jobs/${job}`);
  return ((await response.json()) as { status: string }).status;
}

async function readLog(gatewayUrl: string, job: string): Promise<string> {
  const response = await fetch(`${gatewayUrl}/api/jobs/${job}/logs`);
  return response.text();
}
