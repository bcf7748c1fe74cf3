import { readFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ArgvSchema, EndCause } from "#gen/job/v1/job_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { type Model, startModel } from "../../e2e/model/model.ts";
import { inOrder } from "../../e2e/model/script.ts";
import { answer, text, toolUse } from "../../e2e/model/turn.ts";
import { endOf, followJob, logText, startRequest } from "../testing/jobs.ts";
import { findLeftovers } from "../testing/leftovers.ts";
import { makeDataDirectory, startRunner, type TestRunner } from "../testing/start-runner.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let data: ReturnType<typeof makeDataDirectory>;
let model: Model;
let runner: TestRunner;

beforeEach(async () => {
  data = makeDataDirectory();
  const turns = [answer([toolUse("Bash", { command: litter })]), answer([text("Done.")])];
  model = await startModel({ script: inOrder({ main: turns, subagent: [] }) });
  runner = await start();
});
afterEach(async () => {
  await runner.stop("SIGINT");
  await model.close();
  data.remove();
});

/** Leaves of everything that a job can make: files, a pipe, and a process that left its group. */
const litter = `mkdir -p out "$TMPDIR/deep"; echo x | tee out/file "$HOME/file" "$TMPDIR/deep/file" >/dev/null
  mkfifo "$TMPDIR/pipe"; setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo littered`;

const artifacts = ["out"];

test.each<[string, EndCause, () => Promise<StartJobRequest>]>([
  ["success", EndCause.COMPLETED, () => begin(startRequest(litter, { artifacts }))],
  ["failure", EndCause.EXIT_CODE, () => begin(startRequest(`${litter}; exit 3`, { artifacts }))],
  ["a command that is none", EndCause.UNSTARTABLE, () => begin(unstartable())],
  ["a repository that cannot be had", EndCause.CLONE_FAILED, () => begin(unreachable())],
  [
    "a wall limit",
    EndCause.WALL_TIMEOUT,
    () => begin(startRequest(`${litter}; sleep 1000`, { limits: { wall: durationFromMs(2000) } })),
  ],
  ["cancellation", EndCause.CANCELED, cancel],
  ["the death of its supervisor", EndCause.RUNNER_LOST, killSupervisor],
  ["the death of the runner", EndCause.CANCELED, killRunner],
  ["an agent that did its work", EndCause.COMPLETED, () => begin(agentRequest())],
])("after %s nothing is left of a job", async (_, cause, end) => {
  // Not while a spare makes itself ready, whose pipes have names for a moment.
  const before = await vi.waitFor(() => {
    const found = findLeftovers(runner, "job_none000000000000");
    expect(found.files.filter((path) => path.includes("pipe"))).toEqual([]);
    return found;
  });
  const request = await end();
  const events = await followJob(runner.client, request);
  expect(endOf(events).outcome).toMatchObject({ cause });
  const { jobId, attempt } = request;
  const { files, ...others } = findLeftovers(runner, jobId);
  expect(others).toMatchObject({ processes: [], marked: [], mounts: [], cgroups: [] });
  expect(files.filter((path) => passing.test(path))).toEqual([]);
  await runner.client.releaseJob({ jobId, attempt, forget: true });
  await expect.poll(() => findLeftovers(runner, jobId)).toEqual(before);
});

/** What goes with the job's end, and does not wait for its release. */
const passing = /(^|\/)(tmp|held|draft|model\.sock)(\/| |$)/;

function start(): Promise<TestRunner> {
  const access = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "sk-test" };
  return startRunner(data.path, { ...access, ALLOW_INSECURE_GIT: "true", EGRESS_ALLOW_ADDRESSES: "127.0.0.0/8" });
}

async function begin(request: StartJobRequest): Promise<StartJobRequest> {
  await runner.client.startJob(request);
  return request;
}

function unstartable(): StartJobRequest {
  const value = create(ArgvSchema, { args: ["/nowhere/program"] });
  return startRequest("", { work: { case: "task", value: { invocation: { case: "argv", value } } }, artifacts });
}

function unreachable(): StartJobRequest {
  return startRequest("true", { repoRef: "http://127.0.0.1:1/owner/name", artifacts });
}

function agentRequest(): StartJobRequest {
  const value = { agent: "claude", prompt: "Litter.", allowedTools: ["Bash"] };
  return startRequest("", { work: { case: "agent", value }, artifacts });
}

/** Starts a job that has littered and goes on. */
async function beginLong(): Promise<StartJobRequest> {
  const request = await begin(startRequest(`${litter}; sleep 1000`, { artifacts }));
  await followJob(runner.client, request, { enough: (events) => logText(events).includes("littered") });
  return request;
}

async function cancel(): Promise<StartJobRequest> {
  const request = await beginLong();
  await runner.client.stopJob({ jobId: request.jobId, attempt: 1, cause: EndCause.CANCELED });
  return request;
}

async function killSupervisor(): Promise<StartJobRequest> {
  const request = await beginLong();
  const path = join(data.path, "jobs", request.jobId, "supervisor.json");
  const { supervisor } = JSON.parse(readFileSync(path, "utf8")) as { supervisor: { pid: number } };
  process.kill(supervisor.pid, "SIGKILL");
  return request;
}

async function killRunner(): Promise<StartJobRequest> {
  const request = await beginLong();
  await runner.stop("SIGKILL");
  runner = await start();
  await runner.client.stopJob({ jobId: request.jobId, attempt: 1, cause: EndCause.CANCELED });
  return request;
}
