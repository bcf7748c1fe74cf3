import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { type GitServer, startGitServer } from "../../../e2e/git/git-server.ts";
import { makeRepository, type Repository } from "../../../e2e/git/make-repository.ts";
import { runGit } from "../../../e2e/git/run-git.ts";
import { endOf, followJob, logText, startRequest, story } from "../../testing/jobs.ts";
import { makeDataDirectory, startRunner, type TestRunner } from "../../testing/start-runner.ts";

// Starting real processes takes its time on a busy machine.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const data = makeDataDirectory();
const room = mkdtempSync(join(tmpdir(), "blazecraft-clone-"));
let repository: Repository;
let server: GitServer;
let runner: TestRunner;

beforeAll(async () => {
  repository = await makeRepository(room, "acme/api", [
    { message: "Begin", files: { "run.sh": "echo one\n" } },
    { message: "Say two", files: { "run.sh": "echo two\n" } },
    { message: "Say three", files: { "run.sh": "echo three\n" } },
  ]);
  await runGit(repository.path, ["branch", "feature/two", "HEAD~1"]);
  await runGit(repository.path, ["tag", "v1", "HEAD~2"]);
  server = await startGitServer({ folder: room });
  runner = await startRunner(data.path, { ALLOW_INSECURE_GIT: "true" });
});

afterAll(async () => {
  await runner.stop("SIGINT");
  await server.close();
  data.remove();
  rmSync(room, { recursive: true });
});

async function run(repoRef: string, command = "sh run.sh; git rev-list --count --all", wallMs = 60_000) {
  const request = startRequest(command, { repoRef, limits: { wall: durationFromMs(wallMs) } });
  await runner.client.startJob(request);
  const events = await followJob(runner.client, request);
  const checkedOut = events.flatMap(({ payload }) =>
    payload.case === "workspace" && payload.value.event.case === "checkedOut" ? [payload.value.event.value] : [],
  );
  return { events, end: endOf(events), checkedOut: checkedOut[0] };
}

test.each([
  ["the default branch", "", "three", { ref: "main", subject: "Say three" }],
  ["a branch", "@feature/two", "two", { ref: "feature/two", subject: "Say two" }],
  ["a tag", "@v1", "one", { ref: "v1", subject: "Begin" }],
])("a job runs on %s, with the whole history", async (_, ref, word, facts) => {
  const { events, end, checkedOut } = await run(`${server.url}/acme/api${ref}`);
  expect(end.outcome?.cause).toBe(EndCause.COMPLETED);
  expect(logText(events)).toBe(`${word}\n3\n`);
  expect(checkedOut).toMatchObject(facts);
});

test("a job runs on a commit", async () => {
  const [commit = ""] = repository.commits;
  const { events, checkedOut } = await run(`${server.url}/acme/api@${commit}`);
  expect(logText(events)).toBe("one\n3\n");
  expect(checkedOut).toMatchObject({ commit, ref: "" });
});

test("a branch is checked out as a branch that knows its origin", async () => {
  const { events } = await run(
    `${server.url}/acme/api@feature/two`,
    "git status --short --branch; git remote -v | head -1",
  );
  expect(logText(events)).toBe(`## feature/two...origin/feature/two\norigin\t${server.url}/acme/api.git (fetch)\n`);
});

test("a job reads the mirror, and cannot write it", async () => {
  const write =
    "touch $(cat .git/objects/info/alternates)/x 2>&1 | grep -o 'Read-only file system'; git log --format=%s";
  const { events } = await run(`${server.url}/acme/api`, write);
  expect(logText(events)).toBe("Read-only file system\nSay three\nSay two\nBegin\n");
});

test.each([
  ["a repository that is not there", "/acme/none", /could not be cloned/],
  ["a ref that is not there", "/acme/api@none", /no branch, tag or commit "none"/],
  ["a commit that is not there", `/acme/api@${"0".repeat(40)}`, /no branch, tag or commit/],
])("%s fails the job with a sentence", async (_, path, message) => {
  const { end, events } = await run(`${server.url}${path}`);
  expect(end.outcome).toMatchObject({ cause: EndCause.CLONE_FAILED, message: expect.stringMatching(message) });
  expect(story(events)).not.toContain("started");
});

test("what git says of a failure is in the log", async () => {
  const { events } = await run(`${server.url}/acme/none`);
  expect(logText(events, LogStream.STDERR)).toMatch(/not found/);
});
