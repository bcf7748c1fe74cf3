import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { JobState } from "#gen/job/v1/job_pb.js";
import { type GitServer, startGitServer } from "./git/git-server.ts";
import { type HostApi, startHostApi } from "./git/host-api.ts";
import { makeRepository, type Repository } from "./git/make-repository.ts";
import { runGit } from "./git/run-git.ts";
import { type Model, startModel } from "./model/model.ts";
import { answer, refusal, type Turn, text, toolUse } from "./model/turn.ts";
import { createTask, readJob, story, watchToEnd } from "./system/jobs.ts";
import { get, post, type RestJob } from "./system/rest.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

const token = "t0ken-of-the-operator";
let folder: string;
let repository: Repository;
let git: GitServer;
let api: HostApi;
let model: Model;
let system: TestSystem;
/** What the model says next, to whoever asks. */
const turns: Turn[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "repositories-"));
  repository = await makeRepository(folder, "acme/site", [{ message: "Begin", files: { "a.txt": "one\n" } }]);
  git = await startGitServer({ folder, tokens: [token] });
  api = await startHostApi({ tokens: [token] });
  model = await startModel({ script: () => turns.shift() ?? refusal(403, "permission_error") });
  system = await startSystem({
    runnerEnv: {
      ALLOW_INSECURE_GIT: "true",
      GITHUB_HOSTS: new URL(git.url).host,
      GITHUB_API_URL: api.url,
      GITHUB_TOKEN: token,
      ANTHROPIC_BASE_URL: model.url,
      ANTHROPIC_API_KEY: "sk-test",
    },
  });
});
afterAll(async () => {
  await system.stop();
  await model.close();
  await api[Symbol.asyncDispose]();
  await git.close();
  await rm(folder, { recursive: true });
});

const repoRef = () => `${git.url}/acme/site`;

test("an agent's work is shown, pushed and opened as a pull request that leads to the job", async () => {
  const work = "echo two >> a.txt; git commit -qam Two; env; cat ~/.gitconfig .git/config";
  turns.push(answer([toolUse("Bash", { command: work, description: "Work" })]), answer([text("Done.")]));
  const wish = { type: "claude", repo_ref: repoRef(), prompt: "Add two.\nThen stop.", permission_mode: "bypass" };
  const { id } = (await (await post(system, "/api/jobs", wish)).json()) as RestJob;
  const events = await watchToEnd(system, id);
  expect(story(events)).toEqual(expect.arrayContaining(["checkedOut", "checkpoint", "diffstat"]));
  const diff = await (await get(system, `/api/jobs/${id}/diff?to_turn=1`)).json();
  expect(diff).toMatchObject({ files: [{ path: "a.txt", insertions: 1 }] });

  expect((await post(system, `/api/jobs/${id}/pull-request`)).status).toBe(400);
  const before = await readJob(system, id);
  const pushed = await post(system, `/api/jobs/${id}/push`, { branch: "two" });
  const tip = await runGit(repository.path, ["rev-parse", "two"]);
  expect([pushed.status, await pushed.json()]).toMatchObject([200, { branch: "two", commit: tip }]);
  const opened = await post(system, `/api/jobs/${id}/pull-request`, { draft: true });
  expect([opened.status, await opened.json()]).toMatchObject([200, { pull_request_number: 1 }]);
  expect(api.opened).toMatchObject([{ head: "two", base: "main", title: "Add two.", draft: true }]);
  expect(api.opened[0]?.body).toBe(`Made by a [BlazeCraft job](${system.gatewayUrl}/jobs/${id}).`);

  const shown = await (await get(system, `/api/jobs/${id}`)).json();
  expect(shown).toMatchObject({
    publication: { branch: "two", commit: tip, pull_request_url: "https://github.test/acme/api/pull/1" },
    diffstat: { files: 1, insertions: 1, deletions: 0 },
  });
  expect((await readJob(system, id)).revision).toBeGreaterThan(before.revision);
  const told = JSON.stringify([events, shown], (_, value) => (typeof value === "bigint" ? String(value) : value));
  expect([told, ...system.runner.lastLines, ...system.gateway.lastLines].join()).not.toContain(token);
});

test("a job that succeeds is published as it was asked for, and lists show where", async () => {
  const { id } = await createTask(system, "echo new > new.txt", {
    repoRef: repoRef(),
    publish: { branch: { name: "new", commitMessage: "Add new" }, pullRequest: { title: "New" } },
  });
  const events = await watchToEnd(system, id);
  expect(story(events)).toEqual(expect.arrayContaining(["branchPushed", "pullRequestOpened", "SUCCEEDED"]));
  expect(await runGit(repository.path, ["log", "-1", "--format=%s", "new"])).toBe("Add new");
  const { jobs } = await system.jobs.listJobs({ query: "new.txt" });
  expect(jobs).toMatchObject([
    { status: { state: JobState.SUCCEEDED }, publication: { branch: "new", pullRequestNumber: api.opened.length } },
  ]);
});

test("a branch name that git does not take is refused at once", async () => {
  const wish = { type: "task", repo_ref: repoRef(), command: "true", publish: { branch: "a..b" } };
  const refused = await post(system, "/api/jobs", wish);
  expect([refused.status, await refused.json()]).toMatchObject([400, { errors: [{ field: "publish.branch" }] }]);
});
