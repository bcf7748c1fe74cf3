import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ActorKind, EndCause } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { findProblem } from "#protocol/problem.ts";
import { followJob, startRequest } from "../testing/jobs.ts";
import { makeDataDirectory, startRunner, type TestRunner } from "../testing/start-runner.ts";

const actor = { kind: ActorKind.CALLER, id: "ana" };
const data = makeDataDirectory();
const strictData = makeDataDirectory();
let runner: TestRunner;
let strict: TestRunner;

beforeAll(async () => {
  [runner, strict] = await Promise.all([
    startRunner(data.path, { ISOLATION: "none" }),
    startRunner(strictData.path, { EGRESS_ALLOW_MORE: "false" }),
  ]);
});
afterAll(async () => {
  await Promise.all([runner.stop("SIGINT"), strict.stop("SIGINT")]);
  data.remove();
  strictData.remove();
});

async function refusal(call: Promise<unknown>) {
  const error = ConnectError.from(await call.then(() => undefined).catch((reason) => reason));
  return { code: error.code, reason: findProblem(error)?.reason, field: findProblem(error)?.field };
}

test.each(["127.0.0.1", "169.254.169.254", "10.1", "*.co.1", "example.com:99999"])(
  "%s is no host to allow",
  async (host) => {
    const started = startRequest("true", { allowedHosts: ["example.com", host] });
    expect(await refusal(runner.client.startJob(started))).toEqual({
      code: Code.InvalidArgument,
      reason: ProblemReason.INVALID_FIELD,
      field: "spec.allowed_hosts[1]",
    });
  },
);

test("where the operator lets nobody allow more, a job that wants to is refused", async () => {
  const started = startRequest("true", { allowedHosts: ["example.com"] });
  expect(await refusal(strict.client.startJob(started))).toEqual({
    code: Code.FailedPrecondition,
    reason: ProblemReason.NOT_SUPPORTED,
    field: "spec.allowed_hosts",
  });
});

test("a job that runs without confinement has nothing to be allowed", async () => {
  const request = startRequest("sleep 60");
  await runner.client.startJob(request);
  const held = { jobId: request.jobId, attempt: request.attempt };
  expect(await refusal(runner.client.allowHost({ ...held, host: "10.0.0.1", actor }))).toMatchObject({
    code: Code.InvalidArgument,
    field: "host",
  });
  expect(await refusal(runner.client.allowHost({ ...held, host: "example.com", actor }))).toMatchObject({
    code: Code.FailedPrecondition,
    reason: ProblemReason.NOT_SUPPORTED,
  });
  await runner.client.stopJob({ ...held, cause: EndCause.CANCELED, actor });
  await followJob(runner.client, request);
  expect(await refusal(runner.client.allowHost({ ...held, host: "example.com", actor }))).toMatchObject({
    code: Code.FailedPrecondition,
    reason: ProblemReason.JOB_FINISHED,
  });
});
