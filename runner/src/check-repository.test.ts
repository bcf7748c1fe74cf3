import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, expect, test, vi } from "vitest";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { findProblem } from "#protocol/problem.ts";
import { startRequest } from "../testing/jobs.ts";
import { makeDataDirectory, startRunner } from "../testing/start-runner.ts";

vi.setConfig({ testTimeout: 30_000 });

const data = makeDataDirectory();
let stop: () => Promise<unknown> = async () => undefined;

afterEach(async () => {
  await stop();
  data.remove();
});

/** What starting a job with these spec is answered by a runner with this environment. */
async function answerOf(env: Readonly<Record<string, string>>, spec: Parameters<typeof startRequest>[1]) {
  mkdirSync(data.path, { recursive: true });
  const runner = await startRunner(data.path, env);
  stop = () => runner.stop("SIGINT");
  try {
    await runner.client.startJob(startRequest("true", spec));
    return "started";
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    const { reason, field } = findProblem(ConnectError.from(error)) ?? {};
    return { code, reason, field, message: rawMessage };
  }
}

/** A PATH on which git is this script. */
function pathWithGit(script: string): string {
  const directory = join(data.path, "bin");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "git"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, "git"), 0o755);
  return `${directory}:/usr/bin:/bin`;
}

test("a repository that the operator does not allow is refused by its name", async () => {
  const env = { ALLOWED_REPOSITORIES: "github.com/acme/*, gitlab.com/acme/web" };
  expect(await answerOf(env, { repoRef: "other/api" })).toEqual({
    code: Code.PermissionDenied,
    reason: ProblemReason.REPOSITORY_REFUSED,
    field: "spec.repo_ref",
    message: "this runner's operator does not allow https://github.com/other/api",
  });
});

test("a scratch workspace is nobody's repository", async () => {
  expect(await answerOf({ ALLOWED_REPOSITORIES: "github.com/acme/*" }, { repoRef: "test" })).toBe("started");
});

test.each([
  ["echo git version 2.34.1", "git 2.34.1 is older than 2.38"],
  ["exit 1", "git of this runner is older than 2.38"],
])("where git says %j, a job on a repository is refused", async (script, message) => {
  const answer = await answerOf({ JOB_PATH: pathWithGit(script) }, { repoRef: "acme/api" });
  expect(answer).toMatchObject({ code: Code.FailedPrecondition, field: "spec.repo_ref", message });
});

test("a job that wants LFS is refused where there is none", async () => {
  const path = pathWithGit('test "$1" = lfs && exit 1; echo git version 2.40.0');
  const answer = await answerOf({ JOB_PATH: path }, { repoRef: "acme/api", checkout: { lfs: true } });
  expect(answer).toMatchObject({ code: Code.FailedPrecondition, field: "spec.checkout.lfs" });
});
