import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EndCause, JobState } from "#gen/job/v1/job_pb.js";
import { type GitServer, startGitServer } from "./git/git-server.ts";
import { makeRepository, type Repository } from "./git/make-repository.ts";
import { type Model, startModel } from "./model/model.ts";
import { answer, refusal, type Turn, text, toolUse } from "./model/turn.ts";
import { createTask, readJob, watchToEnd } from "./system/jobs.ts";
import { refusalOf } from "./system/refusal.ts";
import { get, post, type RestJob } from "./system/rest.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

let folder: string;
let repository: Repository;
let git: GitServer;
let model: Model;
let system: TestSystem;
/** What the model says next, to whoever asks. */
const turns: Turn[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "repositories-"));
  repository = await makeRepository(folder, "acme/site", [{ message: "Begin", files: { "a.txt": "one\n" } }]);
  git = await startGitServer({ folder });
  model = await startModel({ script: () => turns.shift() ?? refusal(403, "permission_error") });
  const ANTHROPIC = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "sk-test" };
  system = await startSystem({ runnerEnv: { ALLOW_INSECURE_GIT: "true", ...ANTHROPIC } });
});
afterAll(async () => {
  await system.stop();
  await model.close();
  await git.close();
  await rm(folder, { recursive: true });
});

const repoRef = () => `${git.url}/acme/site`;

interface RestDiff {
  readonly base_commit: string;
  readonly stat: object;
  readonly files: readonly { readonly path: string; readonly change: string; readonly patch: string }[];
}

async function readDiff(id: string, query = ""): Promise<RestDiff> {
  const response = await get(system, `/api/jobs/${id}/diff${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as RestDiff;
}

test("what a job changed is shown while it runs, and after its end without its runner", async () => {
  const command =
    "echo two >> a.txt; echo b > b.txt; until [ -e go ]; do sleep 0.1; done; rm go; echo d > d.txt; echo c > c.txt";
  const { id } = await createTask(system, command, { repoRef: repoRef() });
  await watchToEnd(system, id, { enough: (events) => events.some(({ payload }) => payload.case === "process") });
  const paths = async () => (await readDiff(id)).files.map(({ path }) => path);
  await expect.poll(paths).toEqual(["a.txt", "b.txt"]);
  await writeFile(join(system.stateFolder, "runner/jobs", id, "workspace/go"), "");
  await watchToEnd(system, id);
  const job = await readJob(system, id);
  expect(job).toMatchObject({ baseCommit: repository.commits[0], diffstat: { files: 4, insertions: 4, deletions: 0 } });

  const released = async () => (await system.fleet.checkRunner({ name: "vm-1" })).runner?.info?.attempts.length;
  await expect.poll(released, { timeout: 30_000 }).toBe(0);
  await system.runner.kill("SIGKILL");
  expect(await readDiff(id)).toMatchObject({
    base_commit: repository.commits[0],
    stat: { files: 4, insertions: 4, deletions: 0 },
    files: [
      { path: "a.txt", change: "modified", insertions: 1, patch: expect.stringContaining("+two") },
      { path: "b.txt", change: "added", old_path: "", truncated: false },
      { path: "c.txt" },
      { path: "d.txt" },
    ],
    omitted_files: 0,
  });
  expect(await readDiff(id, "?path=b.txt&stat=1")).toMatchObject({ files: [{ path: "b.txt", patch: "" }] });
  const patch = await get(system, `/api/jobs/${id}/diff`, { accept: "text/x-diff" });
  expect([patch.headers.get("content-type"), patch.headers.get("x-incomplete-files")]).toEqual([
    "text/x-diff; charset=utf-8",
    "0",
  ]);
  expect(await patch.text()).toMatch(/^diff --git a\/a.txt b\/a.txt\n.*\ndiff --git a\/b.txt b\/b.txt\n/s);
  expect(await refusalOf(system.jobs.getDiff({ id, fromTurn: 1 }))).toMatch(/^unavailable runner_offline/);
  await system.runner.start();
});

test("a job on no repository, and one that has not begun, have no diff", async () => {
  const { id } = await createTask(system, "echo hi");
  await watchToEnd(system, id);
  expect(await refusalOf(system.jobs.getDiff({ id }))).toBe("failed_precondition no_repository id");
  const pending = await createTask(system, "echo hi", { repoRef: repoRef(), runnerLabels: ["nowhere"] });
  const refused = await refusalOf(system.jobs.getDiff({ id: pending.id }));
  expect(refused).toBe("failed_precondition workspace_missing id");
  await system.jobs.cancelJob({ id: pending.id });
});

test("an agent's turns can be compared and gone on with, and a retry begins at the same turn", async () => {
  const bash = (command: string) => answer([toolUse("Bash", { command, description: "Work" })]);
  turns.push(bash("echo 1 > one.txt"), answer([text("First.")]));
  const wish = { type: "claude", repo_ref: repoRef(), prompt: "Go.", permission_mode: "bypass" };
  const first = await createAgent(wish);
  await watchToEnd(system, first);
  expect(await readDiff(first, "?to_turn=1")).toMatchObject({ files: [{ path: "one.txt" }] });
  expect((await get(system, `/api/jobs/${first}/diff?to_turn=2`)).status).toBe(404);

  const lost = await createAgent({ ...wish, continues: first, continues_turn: 2 });
  await watchToEnd(system, lost);
  const outcome = (await readJob(system, lost)).status?.detail.value;
  expect(outcome).toMatchObject({ cause: EndCause.SESSION_LOST, message: expect.stringContaining("Turn 2") });
  const retried = (await (await post(system, `/api/jobs/${lost}/retry`)).json()) as RestJob;
  expect(retried).toMatchObject({ continues: first, continues_turn: 2 });
  await watchToEnd(system, retried.id);

  turns.push(bash("echo 2 > two.txt"), answer([text("Second.")]));
  const second = await createAgent({ ...wish, continues: first, continues_turn: 1 });
  await watchToEnd(system, second);
  expect(await readJob(system, second)).toMatchObject({
    status: { state: JobState.SUCCEEDED },
    baseCommit: repository.commits[0],
    continuesTurn: 1,
  });
  expect((await readDiff(second)).files.map(({ path }) => path)).toEqual(["one.txt", "two.txt"]);
  const unfit = await post(system, "/api/jobs", { ...wish, continues_turn: 1 });
  expect([unfit.status, await unfit.json()]).toMatchObject([400, { errors: [{ field: "continues_turn" }] }]);
});

async function createAgent(wish: object): Promise<string> {
  const created = await post(system, "/api/jobs", wish);
  expect(created.status).toBe(201);
  return ((await created.json()) as RestJob).id;
}
