import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Artifact, JobEvent } from "#gen/job/v1/job_event_pb.js";
import { EndCause } from "#gen/job/v1/job_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { endOf, followJob, startRequest, story } from "../testing/jobs.ts";
import { makeDataDirectory, startRunner, type TestRunner } from "../testing/start-runner.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let data: ReturnType<typeof makeDataDirectory>;
let runner: TestRunner;

beforeEach(async () => {
  data = makeDataDirectory();
  runner = await startRunner(data.path);
});
afterEach(async () => {
  await runner.stop("SIGINT");
  data.remove();
});

const noise = "mkdir out; head -c 700000 /dev/urandom > out/noise; echo done > out/report; echo other > left-alone";

test("a job that fails leaves what it declared, which is kept over its release and a restart until it is forgotten", async () => {
  const request = startRequest(`${noise}; exit 3`, { artifacts: ["out", "missing/*.log"] });
  const events = await run(request);
  expect(endOf(events).outcome).toMatchObject({ cause: EndCause.EXIT_CODE, exitCode: 3 });
  expect(story(events).slice(-5)).toEqual([
    "phaseChanged",
    ...["artifact", "artifact", "artifactSkipped"],
    "attemptEnded",
  ]);
  const [random, report] = artifactsIn(events);
  expect([random?.path, random?.size, report?.path]).toEqual(["out/noise", 700_000n, "out/report"]);

  await runner.client.releaseJob({ jobId: request.jobId, attempt: 1 });
  expect(existsSync(join(data.path, "jobs", request.jobId))).toBe(false);
  await runner.stop("SIGKILL");
  runner = await startRunner(data.path);
  const content = await read(request, random);
  expect(
    createHash("sha256")
      .update(content)
      .digest()
      .equals(random?.sha256 ?? new Uint8Array()),
  ).toBe(true);
  expect((await read(request, random, 699_990n)).equals(content.subarray(699_990))).toBe(true);
  expect(await read(request, random, 700_000n)).toHaveLength(0);
  expect(await refusal(read(request, random, 700_001n))).toBe(Code.OutOfRange);

  await runner.client.releaseJob({ jobId: request.jobId, attempt: 1, forget: true });
  expect(await refusal(read(request, random))).toBe(Code.NotFound);
  await expect
    .poll(() => [...readdirSync(join(data.path, "artifacts")), ...readdirSync(join(data.path, "trash"))])
    .toEqual([]);
});

test("the limit of the operator holds, and the job succeeds all the same", async () => {
  await restart({ MAX_ARTIFACT_BYTES: "1000" });
  const events = await run(startRequest(noise, { artifacts: ["out"] }));
  expect(endOf(events).outcome).toMatchObject({ cause: EndCause.COMPLETED });
  expect(artifactsIn(events).map(({ path }) => path)).toEqual(["out/report"]);
  expect(skippedIn(events)).toEqual(["out/noise: It has 700000 bytes, and 1000 are left of MAX_ARTIFACT_BYTES."]);
});

test("a job that is canceled leaves them too; one whose runner is to stop does not wait for that", async () => {
  const canceled = await begin();
  await runner.client.stopJob({ jobId: canceled.jobId, attempt: 1, cause: EndCause.CANCELED });
  expect(artifactsIn(await followJob(runner.client, canceled)).map(({ path }) => path)).toEqual(["begun"]);
  const stopped = await begin();
  await runner.stop("SIGINT");
  runner = await startRunner(data.path);
  const events = await followJob(runner.client, stopped);
  expect(endOf(events).outcome).toMatchObject({ cause: EndCause.RUNNER_STOPPED });
  expect(artifactsIn(events)).toEqual([]);
});

test("artifacts of released jobs are deleted when they are too old", async () => {
  const request = startRequest(noise, { artifacts: ["out"] });
  await run(request);
  await restart({ ARTIFACT_KEEP_MS: "0" });
  expect(readdirSync(join(data.path, "artifacts"))).toEqual([request.jobId]);
  await runner.client.releaseJob({ jobId: request.jobId, attempt: 1 });
  await restart({ ARTIFACT_KEEP_MS: "0" });
  expect(readdirSync(join(data.path, "artifacts"))).toEqual([]);
});

/** Starts a job that writes a file and goes on. */
async function begin(): Promise<StartJobRequest> {
  const request = startRequest("echo begun > begun; echo begun; sleep 600", { artifacts: ["*"] });
  await runner.client.startJob(request);
  await followJob(runner.client, request, { enough: (events) => story(events).includes("log") });
  return request;
}

async function restart(env: Readonly<Record<string, string>>): Promise<void> {
  await runner.stop("SIGKILL");
  runner = await startRunner(data.path, env);
}

async function run(request: StartJobRequest): Promise<readonly JobEvent[]> {
  await runner.client.startJob(request);
  return followJob(runner.client, request);
}

async function read({ jobId }: StartJobRequest, artifact: Artifact | undefined, offset = 0n): Promise<Buffer> {
  const parts = await Array.fromAsync(
    runner.client.readArtifact({ jobId, sha256: artifact?.sha256 ?? new Uint8Array(), offset }),
  );
  return Buffer.concat(parts.map(({ data }) => data));
}

async function refusal(call: Promise<unknown>): Promise<Code | undefined> {
  return call.then(
    () => undefined,
    (error: unknown) => ConnectError.from(error).code,
  );
}

function artifactsIn(events: readonly JobEvent[]): readonly Artifact[] {
  return events.flatMap(({ payload }) =>
    payload.case === "workspace" && payload.value.event.case === "artifact" ? [payload.value.event.value] : [],
  );
}

function skippedIn(events: readonly JobEvent[]): readonly string[] {
  return events.flatMap(({ payload }) => {
    if (payload.case !== "workspace" || payload.value.event.case !== "artifactSkipped") return [];
    const { path, reason } = payload.value.event.value;
    return [`${path}: ${reason}`];
  });
}
