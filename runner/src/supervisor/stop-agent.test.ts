import { join } from "node:path";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { endOf, followJob, logText, type NumberedEvent, startRequest } from "../../testing/jobs.ts";
import { makeDataDirectory, processesIn, startRunner, type TestRunner } from "../../testing/start-runner.ts";

// An agent has five seconds to leave its turn.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

const data = makeDataDirectory();
let runner: TestRunner;

beforeAll(async () => {
  const CLAUDE_PATH = join(import.meta.dirname, "../../testing/agent-that-never-leaves.sh");
  runner = await startRunner(data.path, { CLAUDE_PATH, ANTHROPIC_API_KEY: "sk-test" });
});

afterAll(async () => {
  await runner.stop("SIGINT");
  data.remove();
});

async function startAgent() {
  const request = startRequest("", { work: { case: "agent", value: { agent: "claude", prompt: "Go." } } });
  await runner.client.startJob(request);
  const isReady = (events: readonly NumberedEvent[]) => logText(events, LogStream.STDERR) === "ready\n";
  await followJob(runner.client, request, { enough: isReady });
  return request;
}

function stepsOf(events: readonly NumberedEvent[]) {
  return events.flatMap(({ payload }) => {
    if (payload.case !== "process") return [];
    const { event } = payload.value;
    return event.case === "signalSent" ? [event.value.signal] : [`${event.case}`];
  });
}

test("an agent that heeds nothing is interrupted, then terminated, then killed", async () => {
  const request = await startAgent();
  const { jobId, attempt } = request;
  await runner.client.stopJob({ jobId, attempt, cause: EndCause.CANCELED, grace: durationFromMs(200) });
  const events = await followJob(runner.client, request);
  expect(stepsOf(events)).toEqual(["started", "stopRequested", "interrupted", "SIGTERM", "SIGKILL", "exited"]);
  expect(endOf(events).outcome).toMatchObject({ cause: EndCause.CANCELED, signal: "SIGKILL" });
  expect(processesIn(`${data.path}/jobs/${jobId}`)).toEqual([]);
});

test("without grace it is killed at once", async () => {
  const request = await startAgent();
  const { jobId, attempt } = request;
  await runner.client.stopJob({ jobId, attempt, cause: EndCause.CANCELED, grace: durationFromMs(0) });
  const events = await followJob(runner.client, request);
  expect(stepsOf(events)).toEqual(["started", "stopRequested", "SIGTERM", "SIGKILL", "exited"]);
});
