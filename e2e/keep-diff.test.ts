import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { JobState } from "#gen/job/v1/job_pb.js";
import { FileChange } from "#gen/job/v1/job_service_pb.js";
import { isOver, watchToEnd } from "./system/jobs.ts";
import { refusalOf } from "./system/refusal.ts";
import { type ScriptedAttempt, ScriptedRunner } from "./system/scripted-runner.ts";
import { startGateway, type TestGateway } from "./system/start-gateway.ts";

const base = "c0ffee".padEnd(40, "0");
const diff = {
  baseCommit: base,
  stat: { files: 1, insertions: 2 },
  files: [{ path: "a.txt", change: FileChange.ADDED, insertions: 2, patch: new TextEncoder().encode("diff --git") }],
};
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

/** A job on a repository that has ended at its runner, and at the gateway. */
async function endedJob(): Promise<{ id: string; attempt: ScriptedAttempt }> {
  const work = { case: "task", value: { invocation: { case: "command", value: "true" } } } as const;
  const { job } = await gateway.jobs.createJob({ spec: { repoRef: "acme/api", work } });
  const id = job?.id ?? expect.fail("createJob answered without a job");
  const attempt = await runner.attempt(id);
  attempt.write({ case: "workspace", value: { event: { case: "checkedOut", value: { commit: base } } } });
  attempt.write({ case: "attemptEnded", value: { outcome: { cause: 1 } } });
  await watchToEnd(gateway, id, { enough: isOver });
  return { id, attempt };
}

test("a runner may forget an attempt only once its diff is kept, whatever is down meanwhile", async () => {
  let tries = 0;
  runner.onDiff = () => {
    tries += 1;
    throw new ConnectError("not now", Code.Unavailable);
  };
  const { id, attempt } = await endedJob();
  await expect.poll(() => tries, { timeout: 20_000 }).toBeGreaterThan(0);
  expect((await gateway.jobs.getJob({ id })).job).toMatchObject({
    status: { state: JobState.SUCCEEDED },
    baseCommit: base,
  });
  expect(attempt.isHeld).toBe(true);
  await gateway.gateway.kill("SIGKILL");
  await gateway.gateway.start();
  runner.onDiff = () => diff;
  await expect.poll(() => attempt.isHeld, { timeout: 50_000 }).toBe(false);
  await runner.close();
  expect(await gateway.jobs.getDiff({ id })).toMatchObject({ diff });
  expect(await gateway.jobs.getDiff({ id, statOnly: true })).toMatchObject({
    diff: { files: [{ path: "a.txt", insertions: 2, patch: new Uint8Array() }] },
  });
  expect(await gateway.jobs.getDiff({ id, path: "b.txt" })).toMatchObject({ diff: { files: [], stat: diff.stat } });
  await runner.open();
});

test("an attempt whose diff cannot be read is let go all the same, and that is said", async () => {
  runner.onDiff = () => {
    throw new ConnectError("its repository is broken", Code.FailedPrecondition);
  };
  const { id, attempt } = await endedJob();
  await expect.poll(() => attempt.isHeld, { timeout: 50_000 }).toBe(false);
  expect(await refusalOf(gateway.jobs.getDiff({ id }))).toBe("failed_precondition repository_broken id");
});
