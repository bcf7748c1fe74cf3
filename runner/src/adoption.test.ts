import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EndCause } from "#gen/job/v1/job_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { endOf, followJob, logText, type NumberedEvent, startRequest } from "../testing/jobs.ts";
import { makeDataDirectory, processesIn, startRunner } from "../testing/start-runner.ts";
import { jobDirectoryAt, markDiskFull } from "./supervisor/job-directory.ts";

// Each starts two runners, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let data: ReturnType<typeof makeDataDirectory>;

beforeEach(() => {
  data = makeDataDirectory();
});

afterEach(() => data.remove());

const hasWritten = (text: string) => (events: readonly NumberedEvent[]) => logText(events).includes(text);

/** A command that writes a line, waits for a file in its workspace, and writes another. */
const untilTold = "echo before; until [ -e go ]; do sleep 0.02; done; echo after";

function tell(jobId: string): void {
  writeFileSync(`${data.path}/jobs/${jobId}/workspace/go`, "");
}

function supervisorOf(jobId: string): number {
  const owner = JSON.parse(readFileSync(`${data.path}/jobs/${jobId}/supervisor.json`, "utf8")) as {
    supervisor: { pid: number };
  };
  return owner.supervisor.pid;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(10);
}

test("a runner killed in mid-job is replaced by one that takes the job up, and nothing of it is lost", async () => {
  const first = await startRunner(data.path);
  const request = startRequest(untilTold);
  const { slot } = await first.client.startJob(request);
  const before = await followJob(first.client, request, { enough: hasWritten("before") });
  await first.stop("SIGKILL");
  const second = await startRunner(data.path);
  expect(await second.client.startJob(request)).toMatchObject({ slot, alreadyStarted: true });
  expect((await second.client.getRunner({})).info?.usedSlots).toBe(1);
  tell(request.jobId);
  const after = await followJob(second.client, request, { after: before.at(-1)?.sequence ?? 0 });
  expect(logText([...before, ...after])).toBe("before\nafter\n");
  expect(endOf(after).outcome?.cause).toBe(EndCause.COMPLETED);
  await second.stop("SIGINT");
});

test("a job that ends while no runner is there is whole when one comes", async () => {
  const first = await startRunner(data.path);
  const request = startRequest(untilTold);
  await first.client.startJob(request);
  await followJob(first.client, request, { enough: hasWritten("before") });
  await first.stop("SIGKILL");
  const supervisor = supervisorOf(request.jobId);
  tell(request.jobId);
  await until(() => !processesIn(data.path).includes(supervisor));
  const second = await startRunner(data.path);
  const events = await followJob(second.client, request);
  expect(logText(events)).toBe("before\nafter\n");
  expect(endOf(events).outcome?.cause).toBe(EndCause.COMPLETED);
  expect((await second.client.getRunner({})).info?.usedSlots).toBe(0);
  await second.stop("SIGINT");
});

test("a killed supervisor's job ends as lost, with its log so far and none of its processes", async () => {
  const runner = await startRunner(data.path);
  const request = startRequest(`setsid sleep 600 & ${untilTold}`);
  await runner.client.startJob(request);
  await followJob(runner.client, request, { enough: hasWritten("before") });
  process.kill(supervisorOf(request.jobId), "SIGKILL");
  const events = await followJob(runner.client, request);
  expect(logText(events)).toBe("before\n");
  expect(endOf(events).outcome?.cause).toBe(EndCause.RUNNER_LOST);
  expect(processesIn(`${data.path}/jobs/${request.jobId}`)).toEqual([]);
  expect((await runner.client.getRunner({})).info?.usedSlots).toBe(0);
  await runner.stop("SIGINT");
});

test("a job that filled the disk ends saying so", async () => {
  const runner = await startRunner(data.path);
  const request = startRequest(untilTold);
  await runner.client.startJob(request);
  await followJob(runner.client, request, { enough: hasWritten("before") });
  // As its supervisor does when a write fails for want of space.
  markDiskFull(jobDirectoryAt(`${data.path}/jobs/${request.jobId}`));
  process.kill(supervisorOf(request.jobId), "SIGKILL");
  expect(endOf(await followJob(runner.client, request)).outcome?.cause).toBe(EndCause.DISK_FULL);
  await runner.stop("SIGINT");
});

test("a supervisor that ended its job gets another, which has nothing to fear from the first", async () => {
  const runner = await startRunner(data.path);
  const firsts = new Map<number, StartJobRequest>();
  const begin = async () => {
    const request = startRequest(untilTold);
    await runner.client.startJob(request);
    await followJob(runner.client, request, { enough: hasWritten("before") });
    return request;
  };
  let job = await begin();
  // One that was started meanwhile may come between.
  for (; !firsts.has(supervisorOf(job.jobId)); job = await begin()) {
    firsts.set(supervisorOf(job.jobId), job);
    tell(job.jobId);
    await followJob(runner.client, job);
  }
  for (const { jobId } of firsts.values()) {
    await runner.client.stopJob({ jobId, attempt: 1, cause: EndCause.CANCELED, grace: durationFromMs(0) });
    await runner.client.releaseJob({ jobId, attempt: 1 });
  }
  tell(job.jobId);
  const events = await followJob(runner.client, job);
  expect(logText(events)).toBe("before\nafter\n");
  expect(endOf(events).outcome?.cause).toBe(EndCause.COMPLETED);
  await runner.stop("SIGINT");
});

test("a job ends as lost when runner and supervisor are killed together", async () => {
  const first = await startRunner(data.path);
  const request = startRequest(untilTold);
  await first.client.startJob(request);
  await followJob(first.client, request, { enough: hasWritten("before") });
  await first.stop("SIGKILL");
  process.kill(supervisorOf(request.jobId), "SIGKILL");
  const second = await startRunner(data.path);
  const events = await followJob(second.client, request);
  expect(logText(events)).toBe("before\n");
  expect(endOf(events).outcome?.cause).toBe(EndCause.RUNNER_LOST);
  expect(processesIn(`${data.path}/jobs/${request.jobId}`)).toEqual([]);
  await second.stop("SIGINT");
});

test("a runner goes on when its spawner or its spare is killed", async () => {
  const runner = await startRunner(data.path);
  const others = processesIn(data.path).filter((pid) => pid !== runner.pid);
  for (const pid of others) process.kill(pid, "SIGKILL");
  const request = startRequest("echo still here");
  await runner.client.startJob(request);
  expect(logText(await followJob(runner.client, request))).toBe("still here\n");
  await runner.stop("SIGINT");
});

test("SIGTERM waits for running jobs, then leaves them to the next runner", async () => {
  const first = await startRunner(data.path, { DRAIN_TIMEOUT_MS: "300" });
  const request = startRequest(untilTold);
  await first.client.startJob(request);
  await followJob(first.client, request, { enough: hasWritten("before") });
  expect(await first.stop("SIGTERM")).toBe(0);
  expect(processesIn(data.path)).toContain(supervisorOf(request.jobId));
  const second = await startRunner(data.path);
  tell(request.jobId);
  expect(endOf(await followJob(second.client, request)).outcome?.cause).toBe(EndCause.COMPLETED);
  expect(await second.stop("SIGTERM")).toBe(0);
  await until(() => processesIn(data.path).length === 0);
});

test("SIGINT ends every job and leaves no process behind", async () => {
  const first = await startRunner(data.path);
  const request = startRequest(untilTold);
  await first.client.startJob(request);
  await followJob(first.client, request, { enough: hasWritten("before") });
  expect(await first.stop("SIGINT")).toBe(0);
  await until(() => processesIn(data.path).length === 0);
  const second = await startRunner(data.path);
  expect(endOf(await followJob(second.client, request)).outcome?.cause).toBe(EndCause.RUNNER_STOPPED);
  await second.client.releaseJob({ jobId: request.jobId, attempt: 1 });
  expect(readdirSync(`${data.path}/jobs`)).toEqual([]);
  await second.stop("SIGINT");
});

test("a job that cannot be read is set aside, and one that was never answered is gone; the others go on", async () => {
  const first = await startRunner(data.path);
  const requests = Array.from({ length: 4 }, () => startRequest("echo whole"));
  for (const request of requests) {
    await first.client.startJob(request);
    await followJob(first.client, request);
  }
  await first.stop("SIGKILL");
  const [whole, badStart, badEnd, unanswered] = requests.map(({ jobId }) => `${data.path}/jobs/${jobId}`);
  writeFileSync(`${badStart}/start.json`, "{");
  writeFileSync(`${badEnd}/ended.json`, Buffer.alloc(40));
  for (const name of ["supervisor.json", "ended.json"]) rmSync(`${unanswered}/${name}`, { force: true });
  const second = await startRunner(data.path);
  expect(readdirSync(`${data.path}/jobs`)).toEqual([basename(`${whole}`)]);
  expect(readdirSync(`${data.path}/broken`).map((name) => name.replace(/-\d+$/, ""))).toEqual(
    [basename(`${badStart}`), basename(`${badEnd}`)].sort(),
  );
  expect(logText(await followJob(second.client, requests[0] ?? startRequest("")))).toBe("whole\n");
  expect(second.log()).toContain("set aside");
  await second.stop("SIGINT");
});

test("a second runner on the same data directory is refused, and so is a taken port", async () => {
  const runner = await startRunner(data.path);
  await expect(startRunner(data.path)).rejects.toThrow(/is in use by the runner with process id/);
  const other = makeDataDirectory();
  const port = new URL(runner.url).port;
  await expect(startRunner(other.path, { PORT: port })).rejects.toThrow(new RegExp(`127.0.0.1:${port} .*EADDRINUSE`));
  other.remove();
  await runner.stop("SIGINT");
});
