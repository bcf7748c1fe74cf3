import { spawnSync } from "node:child_process";
import { chownSync, realpathSync } from "node:fs";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { IsolationKind } from "#gen/fleet/v1/runner_pb.js";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { findProblem } from "#protocol/problem.ts";
import { endOf, followJob, logText, startRequest } from "../testing/jobs.ts";
import { makeDataDirectory, startRunner, type TestRunner } from "../testing/start-runner.ts";

vi.setConfig({ testTimeout: 60_000 });

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;
const canBeNobody =
  isRoot && spawnSync(process.execPath, ["--check", import.meta.filename], { uid: nobody }).status === 0;
let data: ReturnType<typeof makeDataDirectory>;
let runner: TestRunner | undefined;

beforeEach(() => {
  data = makeDataDirectory();
});

afterEach(async () => {
  await runner?.stop("SIGINT");
  runner = undefined;
  data.remove();
});

async function run({ client }: TestRunner, command: string) {
  const request = startRequest(command);
  await client.startJob(request);
  const events = await followJob(client, request);
  const placement = events.flatMap(({ payload }) => (payload.case === "stateChanged" ? [payload.value.placement] : []));
  return { events, end: endOf(events), placement: placement[0] };
}

test.runIf(isRoot)("as root, a runner gives each of its jobs a user of its own", async () => {
  runner = await startRunner(data.path);
  const { client } = runner;
  const requests = [startRequest("id -u; sleep 600"), startRequest("id -u; sleep 600")];
  const ids = await Promise.all(
    requests.map(async (request) => {
      await client.startJob(request);
      const events = await followJob(client, request, { enough: (seen) => logText(seen).endsWith("\n") });
      return Number(logText(events));
    }),
  );
  expect(ids.every((id) => id > 1_900_000_000)).toBe(true);
  expect(new Set(ids).size).toBe(2);
});

test.runIf(canBeNobody)("a runner that is not root confines its jobs, too", async () => {
  chownSync(data.path, nobody, nobody);
  const asNobody = ["setpriv", "--reuid", String(nobody), "--regid", String(nobody), "--clear-groups"];
  runner = await startRunner(data.path, {}, asNobody);
  const { events, end } = await run(runner, "echo hi > file; cat file; id -u; ls /home /root /sys; unshare -U true");
  expect(logText(events)).toBe(`hi\n${nobody}\n`);
  expect(logText(events, LogStream.STDERR).split("\n")).toHaveLength(5);
  expect(end.outcome).toMatchObject({ cause: EndCause.EXIT_CODE, exitCode: 1 });
  const { info } = await runner.client.getRunner({});
  expect(info?.isolation).toMatchObject({ kind: IsolationKind.BUBBLEWRAP, problem: "", ownUsers: false });
});

test("a runner that is told to confines nothing, and says so of itself and of its jobs", async () => {
  runner = await startRunner(data.path, { ISOLATION: "none" });
  const { events, placement } = await run(runner, "id -u; cat /proc/1/stat > /dev/null && echo sees");
  expect(logText(events)).toBe(`${process.getuid?.()}\nsees\n`);
  expect(placement).toMatchObject({ unconfined: true });
  const { info } = await runner.client.getRunner({});
  expect(info?.isolation).toMatchObject({ kind: IsolationKind.NONE, problem: "", walls: [] });
});

test.runIf(isRoot)("a runner that can build no boxes stays up, takes no jobs, and says why", async () => {
  // In mounts of its own, bubblewrap is an empty file.
  const bwrap = realpathSync("/usr/bin/bwrap");
  const script = `mount --bind /dev/null ${bwrap} && exec "$@"`;
  runner = await startRunner(data.path, {}, ["unshare", "--mount", "sh", "-c", script, "sh"]);
  const refused = ConnectError.from(await runner.client.startJob(startRequest("true")).catch((error) => error));
  expect(refused.code).toBe(Code.FailedPrecondition);
  expect(findProblem(refused)?.reason).toBe(ProblemReason.NOT_ISOLATED);
  expect(refused.rawMessage).toMatch(/Jobs cannot be confined: bwrap cannot be started.*See docs\/operate\.md/);
  const { info } = await runner.client.getRunner({});
  expect(info?.isolation?.problem).toBe(refused.rawMessage);
});
