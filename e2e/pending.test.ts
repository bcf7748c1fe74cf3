import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Job, PendingReason } from "#gen/job/v1/job_pb.js";
import { createTask, logText, readJob, story, watchToEnd } from "./system/jobs.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({ runnerEnv: { MAX_CONCURRENT_JOBS: "1" } });
});
afterAll(() => system.stop());

/** Settles once the job waits for this reason, at this place in the queue if one is given. */
async function waits({ id }: Job, reason: PendingReason, position = expect.any(Number)): Promise<void> {
  const pending = expect.objectContaining({ reason, position });
  const read = async () => (await readJob(system, id)).status?.detail;
  await expect.poll(read, { timeout: 20_000 }).toMatchObject({ case: "pending", value: pending });
}

test("a job waits for a runner that is away, and starts by itself when it is back", async () => {
  await system.runner.kill("SIGTERM");
  const job = await createTask(system, "echo at last");
  await waits(job, PendingReason.NO_RUNNER_ONLINE, 1);
  const { status } = await fetch(`${system.gatewayUrl}/api/health/runner`);
  expect(status).toBe(503);
  await system.runner.start();
  const events = await watchToEnd(system, job.id);
  expect(logText(events)).toBe("at last\n");
  expect(story(events).filter((word) => word === "started")).toHaveLength(1);
});

test("a job that no runner suits waits for one, and ends at once when it is canceled", async () => {
  const job = await createTask(system, "true", { runnerLabels: ["gpu=h100"] });
  await waits(job, PendingReason.NO_MATCHING_RUNNER, 1);
  const suited = await createTask(system, "echo not held up");
  expect(logText(await watchToEnd(system, suited.id))).toBe("not held up\n");
  await system.jobs.cancelJob({ id: job.id });
  expect(new Set(story(await watchToEnd(system, job.id)))).toEqual(new Set(["PENDING", "CANCELED"]));
});

test("jobs wait for a slot by priority, then by age", async () => {
  const busy = await createTask(system, "sleep 1000");
  await watchToEnd(system, busy.id, { enough: (events) => story(events).includes("started") });
  const first = await createTask(system, "true");
  const second = await createTask(system, "true");
  const urgent = await createTask(system, "true", { priority: 5 });
  await waits(urgent, PendingReason.ALL_SLOTS_BUSY, 1);
  await waits(first, PendingReason.ALL_SLOTS_BUSY, 2);
  await waits(second, PendingReason.ALL_SLOTS_BUSY, 3);
  await system.jobs.cancelJob({ id: busy.id });
  const inOrder = [busy, urgent, first, second];
  await Promise.all(inOrder.map(({ id }) => watchToEnd(system, id)));
  const jobs = await Promise.all(inOrder.map(({ id }) => readJob(system, id)));
  const started = jobs.map(({ startTime }) => (startTime === undefined ? 0 : timestampMs(startTime)));
  expect(started).toEqual(started.toSorted((one, other) => one - other));
});

test("a runner that drains starts no job until it is resumed, also over its restart", async () => {
  await system.fleet.drainRunner({ name: "vm-1" });
  const job = await createTask(system, "echo resumed");
  await waits(job, PendingReason.RUNNER_DRAINING, 1);
  await system.runner.kill("SIGTERM");
  await system.runner.start();
  await system.fleet.checkRunner({ name: "vm-1" });
  await waits(job, PendingReason.RUNNER_DRAINING, 1);
  await system.fleet.resumeRunner({ name: "vm-1" });
  expect(logText(await watchToEnd(system, job.id))).toBe("resumed\n");
});
