import { afterAll, beforeAll, expect, test } from "vitest";
import { EndCause, type Job, JobState, PendingReason } from "#gen/job/v1/job_pb.js";
import { readCommands, runCommands } from "./guide/doc-commands.ts";
import { type Model, startModel } from "./model/model.ts";
import { answer, refusal, type Turn, text, toolUse } from "./model/turn.ts";
import { createTask, readJob, watchToEnd } from "./system/jobs.ts";
import { refusalOf } from "./system/refusal.ts";
import { post, type RestJob } from "./system/rest.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

let system: TestSystem;
let model: Model;
/** What the model says next, to whoever asks. */
const turns: Turn[] = [];

beforeAll(async () => {
  model = await startModel({ script: () => turns.shift() ?? refusal(403, "permission_error") });
  system = await startSystem({ runnerEnv: { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "sk-test" } });
});
afterAll(async () => {
  await system.stop();
  await model.close();
});

async function create(prompt: string, continues = ""): Promise<string> {
  const wish = { type: "claude", repo_ref: "test", prompt, permission_mode: "bypass" };
  const response = await post(system, "/api/jobs", { ...wish, ...(continues === "" ? {} : { continues }) });
  expect(response.status).toBe(201);
  return ((await response.json()) as RestJob).id;
}

async function ended(id: string): Promise<Job> {
  await watchToEnd(system, id);
  return await readJob(system, id);
}

async function run(prompt: string, says: readonly Turn[], continues = ""): Promise<Job> {
  turns.push(...says);
  return await ended(await create(prompt, continues));
}

function causeOf({ status }: Job): EndCause | undefined {
  return status?.detail.case === "outcome" ? status.detail.value.cause : undefined;
}

test("a finished job is continued where its runner is, once that answers, and remembers", async () => {
  const write = answer([toolUse("Write", { file_path: "note.txt", content: "cake" })]);
  const first = await run("Note the cake.", [write, answer([text("Noted.")])]);
  await system.runner.kill("SIGKILL");
  turns.push(answer([toolUse("Bash", { command: "cat note.txt", description: "Read" })]), answer([text("Cake.")]));
  const second = await create("What was it?", first.id);
  const waits = { case: "pending", value: expect.objectContaining({ reason: PendingReason.RUNNER_OFFLINE }) };
  const detail = async () => (await readJob(system, second)).status?.detail;
  await expect.poll(detail, { timeout: 20_000 }).toMatchObject(waits);
  await system.runner.start();
  const job = await ended(second);
  expect(job).toMatchObject({ continues: first.id, status: { state: JobState.SUCCEEDED }, result: "Cake." });
  const asked = JSON.stringify(
    model.requests.findLast(({ call }) => call?.thread.kind === "main")?.call?.body.messages,
  );
  for (const said of ["Note the cake.", "Noted.", "What was it?"]) expect(asked).toContain(said);

  const late = await run("And me?", [], first.id);
  expect(late).toMatchObject({
    status: {
      state: JobState.FAILED,
      detail: { value: { message: `the session of ${first.id} went on in ${second}` } },
    },
  });
  expect(causeOf(late)).toBe(EndCause.SESSION_LOST);
});

test("the retry of a job that continued another goes on behind it", async () => {
  const first = await run("Begin.", [answer([text("Begun.")])]);
  const failed = await run("Go on.", [], first.id);
  expect(failed.status?.state).toBe(JobState.FAILED);
  turns.push(answer([text("Done.")]));
  const { job: retry } = await system.jobs.retryJob({ id: failed.id });
  expect(retry).toMatchObject({ retryOf: failed.id, continues: failed.id });
  expect(await ended(retry?.id ?? "")).toMatchObject({ result: "Done.", status: { state: JobState.SUCCEEDED } });

  const refused = await run("Me too.", [], first.id);
  const { job: second } = await system.jobs.retryJob({ id: refused.id });
  expect(second?.continues).toBe(first.id);
});

test("a repeated request is answered with its job, also when the continued one was deleted meanwhile", async () => {
  const first = await run("Begin.", [answer([text("Begun.")])]);
  const work = { case: "agent", value: { agent: "claude", prompt: "Go on." } } as const;
  const request = { spec: { repoRef: "test", work }, continues: first.id, idempotencyKey: first.id };
  turns.push(answer([text("Done.")]));
  const { job } = await system.jobs.createJob(request);
  expect(await ended(job?.id ?? "")).toMatchObject({ result: "Done." });
  await system.jobs.deleteJob({ id: first.id });
  expect(await system.jobs.createJob(request)).toMatchObject({ replayed: true, job: { id: job?.id } });
  const other = { ...request, idempotencyKey: "other" };
  expect(await refusalOf(system.jobs.createJob(other))).toBe("not_found job_not_found continues");
});

test("the command of docs/api.md continues a job", async () => {
  const first = await run("Begin.", [answer([text("Begun.")])]);
  turns.push(answer([text("Added.")]));
  const [block = ""] = await readCommands("## Go on with a finished agent", "api.md");
  const { id } = JSON.parse(await runCommands(block, { GATEWAY: system.gatewayUrl, JOB: first.id })) as RestJob;
  expect(await ended(id)).toMatchObject({ continues: first.id, result: "Added." });
});

test("what cannot be continued is refused", async () => {
  const finished = await run("Begin.", [answer([text("Begun.")])]);
  const task = await createTask(system, "true");
  await ended(task.id);
  const live = await createTask(system, "sleep 1000");
  const agent = { agent: "claude", prompt: "Go on." };
  const refused = (continues: string, { repoRef = "test", work = agent } = {}) =>
    refusalOf(system.jobs.createJob({ spec: { repoRef, work: { case: "agent", value: work } }, continues }));
  const invocation = { case: "command", value: "true" } as const;
  const spec = { repoRef: "test", work: { case: "task", value: { invocation } } } as const;
  expect(await refused("job_0000000000000000")).toBe("not_found job_not_found continues");
  expect(await refused(task.id)).toBe("failed_precondition not_supported continues");
  expect(await refused(finished.id, { repoRef: "other" })).toBe("invalid_argument invalid_field spec.repo_ref");
  expect(await refused(finished.id, { work: { ...agent, agent: "other" } })).toBe(
    "invalid_argument invalid_field spec.agent.agent",
  );
  expect(await refusalOf(system.jobs.createJob({ spec, continues: finished.id }))).toBe(
    "invalid_argument invalid_field continues",
  );
  await system.jobs.cancelJob({ id: live.id });
});
