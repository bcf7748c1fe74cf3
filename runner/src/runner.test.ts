import { afterAll, beforeAll, expect, test } from "vitest";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { endOf, followJob, logText, startRequest, story } from "./testing/jobs.ts";
import { makeDataDirectory, startRunner, type TestRunner } from "./testing/start-runner.ts";

const data = makeDataDirectory();
let runner: TestRunner;

beforeAll(async () => {
  runner = await startRunner(data.path);
});

afterAll(async () => {
  await runner.stop("SIGINT");
  data.remove();
});

async function run(command: string) {
  const request = startRequest(command);
  await runner.client.startJob(request);
  const events = await followJob(runner.client, request);
  return { events, end: endOf(events) };
}

test("a task's events tell its whole story in order", async () => {
  const { events, end } = await run("echo hello; echo oops >&2");
  expect(story(events).filter((word) => word !== "log")).toEqual([
    "stateChanged",
    "phaseChanged",
    "scratch",
    "phaseChanged",
    "started",
    "exited",
    "phaseChanged",
    "attemptEnded",
  ]);
  expect(logText(events)).toBe("hello\n");
  expect(logText(events, LogStream.STDERR)).toBe("oops\n");
  expect(end.outcome).toMatchObject({ cause: EndCause.COMPLETED, exitCode: 0 });
});
