import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { endOf, followJob, startRequest } from "../testing/jobs.ts";
import { makeDataDirectory, processesIn, startRunner, type TestRunner } from "../testing/start-runner.ts";
import { findCgroups } from "./sandbox/cgroups.ts";

// Starting real processes takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

const data = makeDataDirectory();
const isBounded = findCgroups().version !== "none";
const MiB = 2 ** 20;
let runner: TestRunner;

beforeAll(async () => {
  runner = await startRunner(data.path, {
    MAX_CONCURRENT_JOBS: "5",
    JOB_MEMORY_BYTES: String(128 * MiB),
    JOB_MAX_PROCESSES: "64",
    JOB_DISK_BYTES: String(64 * MiB),
    MIN_FREE_DISK_BYTES: "0",
  });
});

afterAll(async () => {
  await runner.stop("SIGINT");
  data.remove();
});

async function run(command: string, spec: Parameters<typeof startRequest>[1] = {}) {
  const request = startRequest(command, spec);
  await runner.client.startJob(request);
  return endOf(await followJob(runner.client, request)).outcome;
}

test.runIf(isBounded)("a bomb of memory ends its own job, which says why", async () => {
  expect(await run("tail /dev/zero")).toMatchObject({
    cause: EndCause.OUT_OF_MEMORY,
    message: "The job needed more than 128 MiB of memory, the runner's JOB_MEMORY_BYTES.",
  });
});

test.runIf(isBounded)("a bomb of processes ends its own job, which says why", async () => {
  const outcome = await run("bomb() { bomb | bomb & }; bomb; for n in $(seq 200); do sleep 5 & done; wait; exit 3");
  expect(outcome).toMatchObject({ cause: EndCause.PROCESS_LIMIT, message: expect.stringContaining("64 processes") });
});

test("a bomb of files ends its own job, which says why", async () => {
  const outcome = await run("n=0; while :; do head -c 1000000 /dev/zero > $HOME/$n; n=$((n+1)); done");
  expect(outcome).toMatchObject({ cause: EndCause.DISK_FULL, message: expect.stringContaining("64 MiB of the disk") });
});

test("one file larger than the disk of a job is not written", async () => {
  const outcome = await run("exec dd if=/dev/zero of=large bs=1M count=100");
  expect(outcome).toMatchObject({ cause: EndCause.DISK_FULL, message: expect.stringContaining("JOB_DISK_BYTES") });
});

test("the job beside the bombs is unharmed, and nothing of them runs on", async () => {
  const stubborn = "trap '' TERM HUP; while :; do sleep 1; done";
  const [well, ...ends] = await Promise.all([
    run("for n in $(seq 500); do /bin/echo $n > state || exit 1; done"),
    run("tail /dev/zero"),
    run(`setsid nohup sh -c "${stubborn}" & ${stubborn}`, { limits: { wall: durationFromMs(1_000) } }),
    run("bomb() { bomb | bomb & }; bomb; sleep 600", { limits: { wall: durationFromMs(2_000) } }),
    run("head -c 100000000 /dev/zero > a & head -c 100000000 /dev/zero > b; wait; sleep 600"),
  ]);
  expect(well).toMatchObject({ cause: EndCause.COMPLETED });
  expect(ends.map((outcome) => outcome?.cause)).toEqual([
    isBounded ? EndCause.OUT_OF_MEMORY : expect.any(Number),
    EndCause.WALL_TIMEOUT,
    EndCause.WALL_TIMEOUT,
    EndCause.DISK_FULL,
  ]);
  expect(processesIn(`${data.path}/jobs`)).toEqual([]);
});
