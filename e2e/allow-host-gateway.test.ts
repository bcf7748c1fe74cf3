import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ActorKind, JobState } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import { type NumberedEvent, watchToEnd } from "./system/jobs.ts";
import { refusalOf } from "./system/refusal.ts";
import { ScriptedRunner } from "./system/scripted-runner.ts";
import { startGateway, type TestGateway } from "./system/start-gateway.ts";

let gateway: TestGateway;
const runner = new ScriptedRunner();

beforeAll(async () => {
  await runner.open();
  gateway = await startGateway(runner.url);
});
afterAll(async () => {
  await gateway.stop();
  await runner.close();
});

async function create(runnerLabels: readonly string[] = []): Promise<string> {
  const work = { case: "task", value: { invocation: { case: "command", value: "true" } } } as const;
  const { job } = await gateway.jobs.createJob({ spec: { repoRef: "test", work, runnerLabels: [...runnerLabels] } });
  if (job === undefined) throw new Error("createJob answered without a job");
  return job.id;
}

/** A job that the gateway knows to run. */
async function start(): Promise<string> {
  const id = await create();
  const isRunning = (events: readonly NumberedEvent[]) =>
    events.some(({ payload }) => payload.case === "stateChanged" && payload.value.status?.state === JobState.RUNNING);
  await watchToEnd(gateway, id, { enough: isRunning });
  return id;
}

test("a host is allowed by the runner that has the job, in the name of who asked", async () => {
  const id = await start();
  await gateway.jobs.allowHost({ id, host: "*.example.com:8443" });
  expect(runner.calls.at(-1)).toMatchObject({
    kind: "allowHost",
    jobId: id,
    host: "*.example.com:8443",
    actor: { kind: ActorKind.CALLER },
  });
});

test("what the runner refuses is told as it said it", async () => {
  const id = await start();
  runner.onCall = () => {
    throw problemError({
      code: Code.FailedPrecondition,
      reason: ProblemReason.NOT_SUPPORTED,
      message: "nobody may",
      action: "Ask the operator.",
    });
  };
  await expect(gateway.jobs.allowHost({ id, host: "example.com" })).rejects.toThrow("nobody may");
  runner.onCall = () => {
    throw new ConnectError("there is nothing at this path", Code.Unimplemented);
  };
  const call = gateway.jobs.allowHost({ id, host: "example.com" });
  await expect(call).rejects.toThrow(/runner \S+ is of a version that lets no job reach more hosts/);
  expect(await refusalOf(call)).toBe("failed_precondition not_supported");
  runner.onCall = () => undefined;
});

test("a job that waits, has ended, or is none reaches nothing", async () => {
  const allow = (id: string) => refusalOf(gateway.jobs.allowHost({ id, host: "example.com" }));
  const waiting = await create(["nowhere"]);
  expect(await allow(waiting)).toBe("failed_precondition not_supported id");
  await gateway.jobs.cancelJob({ id: waiting });
  expect(await allow(waiting)).toBe("failed_precondition job_finished");
  expect(await allow("job_0000000000000000")).toBe("not_found job_not_found id");
});
