import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EndCause, JobState } from "#gen/job/v1/job_pb.js";
import { createTask, isOver, logText, readJob, watchToEnd } from "../system/jobs.ts";
import { processesIn } from "../system/processes.ts";
import { startSystem, type TestSystem } from "../system/start-system.ts";

let system: TestSystem;

beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system.stop());

// Lines that take about three seconds to come.
const counting = "for i in $(seq 1 100); do echo line $i; sleep 0.03; done";
const counted = Array.from({ length: 100 }, (_, index) => `line ${index + 1}\n`).join("");

/** The process that started another. */
/** The supervisor of the job that has this directory. */
function supervisorOf(folder: string): number {
  const owner: { supervisor: { pid: number } } = JSON.parse(readFileSync(`${folder}/supervisor.json`, "utf8"));
  return owner.supervisor.pid;
}

/** Settles once the job has written its tenth line. */
async function untilUnderWay(id: string): Promise<void> {
  await watchToEnd(system, id, { enough: (events) => logText(events).includes("line 10\n") });
}

test.each<[string, (system: TestSystem) => Promise<void>]>([
  [
    "the runner",
    async ({ runner }) => {
      await runner.kill("SIGKILL");
      await runner.start();
    },
  ],
  [
    "the gateway",
    async ({ gateway }) => {
      await gateway.kill("SIGKILL");
      await gateway.start();
    },
  ],
  [
    "both, the gateway back first",
    async ({ runner, gateway }) => {
      await Promise.all([runner.kill("SIGKILL"), gateway.kill("SIGKILL")]);
      await gateway.start();
      await runner.start();
    },
  ],
])(
  "kill -9 of %s in mid-job costs no event and no line, and the job runs on",
  async (_, killAndStart) => {
    const { id } = await createTask(system, counting);
    const watching = watchToEnd(system, id);
    await untilUnderWay(id);
    await killAndStart(system);
    const events = await watching;
    expect(logText(events)).toBe(counted);
    expect(
      events.filter(({ payload }) => payload.case === "process" && payload.value.event.case === "started"),
    ).toHaveLength(1);
    expect(events.at(-1)?.sequence).toBe(events.length);
    expect((await readJob(system, id)).status?.state).toBe(JobState.SUCCEEDED);
  },
  60_000,
);

test("a gateway that was killed takes a job's end in by itself, with nobody watching", async () => {
  const { id } = await createTask(system, counting);
  await untilUnderWay(id);
  await system.gateway.kill("SIGKILL");
  await system.gateway.start();
  const events = await watchToEnd(system, id, { after: 0, enough: isOver });
  expect(logText(events)).toBe(counted);
}, 60_000);

test("kill -9 of a job's supervisor fails the job as lost and leaves no process of it", async () => {
  const { id } = await createTask(system, "echo before; sleep 1000 & sleep 1000");
  await watchToEnd(system, id, { enough: (events) => logText(events) === "before\n" });
  const folder = `${system.stateFolder}/runner/jobs/${id}`;
  process.kill(supervisorOf(folder), "SIGKILL");
  const events = await watchToEnd(system, id);
  expect(logText(events)).toBe("before\n");
  const { status } = await readJob(system, id);
  expect(status).toMatchObject({ state: JobState.FAILED, detail: { value: { cause: EndCause.RUNNER_LOST } } });
  expect([...processesIn(folder)]).toEqual([]);
}, 60_000);

test("a runner that lost its data says so, and the job fails as lost", async () => {
  const { id } = await createTask(system, "echo before; sleep 1000");
  await watchToEnd(system, id, { enough: (events) => logText(events) === "before\n" });
  await system.runner.kill("SIGKILL");
  for (const pid of processesIn(`${system.stateFolder}/runner/jobs/${id}`).keys()) process.kill(pid, "SIGKILL");
  await rm(`${system.stateFolder}/runner/jobs/${id}`, { recursive: true, force: true, maxRetries: 5 });
  await system.runner.start();
  await watchToEnd(system, id);
  const { status } = await readJob(system, id);
  expect(status).toMatchObject({ state: JobState.FAILED, detail: { value: { cause: EndCause.RUNNER_LOST } } });
}, 60_000);
