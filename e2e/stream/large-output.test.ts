import { createHash } from "node:crypto";
import { request } from "node:http";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { JobState } from "#gen/job/v1/job_pb.js";
import { WatchJobRequestSchema } from "#gen/job/v1/job_service_pb.js";
import { encodeEnvelope } from "#protocol/envelope.ts";
import { createTask, isOver, logText, readJob, watchToEnd } from "../system/jobs.ts";
import { startSystem, type TestSystem } from "../system/start-system.ts";
import { watchMemory } from "./memory.ts";

const program = join(import.meta.dirname, "write-bytes.js");
const writing = (mib: number) => `'${process.execPath}' '${program}' ${mib}`;
const raisedCap = { limits: { logBytes: 1n << 30n, wall: { seconds: 300n } } };

let system: TestSystem;

beforeAll(async () => {
  // In the box of a job neither of them would be found.
  system = await startSystem({ runnerEnv: { JOB_READABLE: [process.execPath, program].join(",") } });
});
afterAll(() => system.stop());

/** Follows a job to its end, keeping nothing but a digest of its output. */
async function digestOutput(id: string) {
  const hash = createHash("sha256");
  let bytes = 0;
  let promised: Uint8Array | undefined;
  let next = 1;
  for await (const { message } of system.jobs.watchJob({ id })) {
    if (message.case !== "batch") continue;
    const { header, events } = message.value;
    expect(header?.firstSequence).toBe(next);
    next += events.length;
    for (const { payload } of events) {
      if (payload.case === "logGap")
        throw new Error(`bytes ${payload.value.fromOffset} to ${payload.value.toOffset} are missing`);
      if (payload.case === "attemptEnded") promised = payload.value.stdout?.sha256;
      if (payload.case !== "log" || payload.value.stream !== LogStream.STDOUT) continue;
      hash.update(payload.value.data);
      bytes += payload.value.data.length;
    }
    if (isOver(events))
      return { bytes, sha256: hash.digest("hex"), promised: Buffer.from(promised ?? []).toString("hex") };
  }
  throw new Error("the stream ended before the job");
}

/** A watcher that sends its request and never reads the answer. */
function watchWithoutReading(id: string): Promise<() => void> {
  const body = encodeEnvelope(0, toBinary(WatchJobRequestSchema, create(WatchJobRequestSchema, { id })));
  return new Promise((resolve, reject) => {
    const sent = request(`${system.gatewayUrl}/blazecraft.job.v1.JobService/WatchJob`, {
      method: "POST",
      headers: { "content-type": "application/connect+proto", "connect-protocol-version": "1" },
    });
    sent.on("response", (response) => {
      response.pause();
      resolve(() => sent.destroy());
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

test("200 MB reach a watcher byte for byte, past watchers that never read, in bounded memory", async () => {
  const isWorkerd = (command: string) => command.includes("workerd");
  const workerds = () => [...system.gateway.processes].filter(([, command]) => isWorkerd(command)).map(([pid]) => pid);
  const warmUp = await createTask(system, writing(20), raisedCap);
  await digestOutput(warmUp.id);

  const gatewayMemory = watchMemory(workerds);
  const runnerPid = system.runner.pid;
  const runnerMemory = watchMemory(() => [runnerPid]);
  const { id } = await createTask(system, writing(200), raisedCap);
  const stuck = await Promise.all(Array.from({ length: 20 }, () => watchWithoutReading(id)));
  const output = await digestOutput(id);
  for (const leave of stuck) leave();

  expect(output).toMatchObject({ bytes: 200 * 2 ** 20, sha256: output.promised });
  // Twice the output would be 400 MiB; the ring is 4 MiB, the rest is the runtime's own.
  expect(gatewayMemory.stop()).toBeLessThan(400);
  expect(runnerMemory.stop()).toBeLessThan(250);
}, 120_000);

test("beyond the default cap head and tail are kept, and the cut is an event", async () => {
  const { id } = await createTask(system, `${writing(130)}; echo the end`, { limits: { wall: { seconds: 300n } } });
  const events = await watchToEnd(system, id);
  const gaps = events.flatMap(({ payload }) => (payload.case === "logGap" ? [payload.value] : []));
  expect(gaps).toHaveLength(1);
  const [gap] = gaps;
  const written = 130n * 1024n * 1024n + 8n;
  const kept = 128n * 1024n * 1024n;
  expect(gap?.stream).toBe(LogStream.STDOUT);
  expect(Number(written - ((gap?.toOffset ?? 0n) - (gap?.fromOffset ?? 0n)))).toBeLessThanOrEqual(Number(kept));
  expect(Number(gap?.fromOffset)).toBeGreaterThan(Number(kept) * 0.7);
  const behind = events.slice(events.findIndex(({ payload }) => payload.case === "logGap"));
  expect(logText(behind).endsWith("the end\n")).toBe(true);
  expect((await readJob(system, id)).status?.state).toBe(JobState.SUCCEEDED);
}, 120_000);
