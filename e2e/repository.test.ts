import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AgentEvent } from "#gen/job/v1/job_event_pb.js";
import { EndCause, JobState } from "#gen/job/v1/job_pb.js";
import { type GitServer, startGitServer } from "./git/git-server.ts";
import { makeRepository, type Repository } from "./git/make-repository.ts";
import { runGit } from "./git/run-git.ts";
import { type Model, startModel } from "./model/model.ts";
import { answer, text, toolUse } from "./model/turn.ts";
import { createTask, logText, type NumberedEvent, readJob, story, watchToEnd } from "./system/jobs.ts";
import { get, post, type RestJob, readSse } from "./system/rest.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

let folder: string;
let repository: Repository;
let git: GitServer;
let model: Model;
let system: TestSystem;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "repositories-"));
  repository = await makeRepository(folder, "acme/site", [
    { message: "Greet", files: { "greet.sh": "echo first\n", "notes.txt": "one\ntwo\n" } },
    { message: "Greet again", files: { "greet.sh": "echo second\n" } },
    { message: "Greet once more", files: { "greet.sh": "echo third\n" } },
  ]);
  await runGit(repository.path, ["tag", "v1", commit(1)]);
  await runGit(repository.path, ["branch", "release/2", commit(2)]);
  git = await startGitServer({ folder });
  model = await startModel({ script: editNotes });
  const ANTHROPIC = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "sk-test" };
  system = await startSystem({ runnerEnv: { ALLOW_INSECURE_GIT: "true", ...ANTHROPIC } });
});
afterAll(async () => {
  await system.stop();
  await model.close();
  await git.close();
  await rm(folder, { recursive: true });
});

/** What the model says, turn by turn. */
const editNotes = [
  answer([text("I will read it first."), toolUse("Read", { file_path: "notes.txt" }, "toolu_read")]),
  answer([toolUse("Edit", { file_path: "notes.txt", old_string: "two", new_string: "TWO" }, "toolu_edit")]),
  answer([toolUse("Bash", { command: "cat notes.txt; git diff --stat", description: "Show it" }, "toolu_show")]),
  answer([text("The note says TWO now.")]),
];

function commit(number: number): string {
  return repository.commits[number - 1] ?? "";
}

/** The ref may need a commit's id, which is known only once the repository is made. */
const refs: readonly (readonly [name: string, ref: () => string, printed: string, commit: number])[] = [
  ["its default branch", () => "", "third\n", 3],
  ["a branch", () => "@release/2", "second\n", 2],
  ["a tag", () => "@v1", "first\n", 1],
  ["a commit", () => `@${commit(1)}`, "first\n", 1],
  ["a commit in short", () => `@${commit(2).slice(0, 10)}`, "second\n", 2],
];

const missing: readonly (readonly [name: string, repoRef: () => string, sentence: string])[] = [
  [
    "a branch that is not there",
    () => `${git.url}/acme/site@no-such-branch`,
    'has no branch, tag or commit "no-such-branch"',
  ],
  ["a repository that is not there", () => `${git.url}/acme/missing`, "could not be cloned: "],
  ["a host that does not answer", () => "http://127.0.0.1:1/acme/site", "could not be cloned: "],
];

describe.concurrent("a job on a repository", () => {
  test.for(refs)("runs its script at %s", async ([, ref, printed, number]) => {
    const repoRef = `${git.url}/acme/site${ref()}`;
    const { id } = await createTask(system, "sh greet.sh && git status --porcelain", { repoRef });
    const events = await watchToEnd(system, id);
    expect(logText(events)).toBe(printed);
    expect(story(events)).toEqual(expect.arrayContaining(["cloneStarted", "checkedOut", "started", "SUCCEEDED"]));
    expect(checkouts(events)).toEqual([commit(number)]);
  });

  test.for(missing)("fails before its command on %s", async ([, repoRef, sentence]) => {
    const { id } = await createTask(system, "echo never", { repoRef: repoRef() });
    const events = await watchToEnd(system, id);
    const { status } = await readJob(system, id);
    expect(status).toMatchObject({
      state: JobState.FAILED,
      detail: { value: { cause: EndCause.CLONE_FAILED, message: expect.stringContaining(sentence) } },
    });
    expect(story(events)).not.toContain("started");
    expect(logText(events)).not.toContain("never");
  });

  test("lets Claude Code edit a file, and its events reach every watcher in order", async () => {
    const repo_ref = `${git.url}/acme/site@main`;
    const wish = { type: "claude", repo_ref, prompt: "Shout the second line.", permission_mode: "bypass" };
    const created = await post(system, "/api/jobs", wish);
    expect(created.status).toBe(201);
    const { id } = (await created.json()) as RestJob;
    const [events, stream] = await Promise.all([watchToEnd(system, id), readSse(system, `/api/jobs/${id}/events`)]);

    expect(checkouts(events)).toEqual([commit(3)]);
    const told = agentEvents(events);
    const kinds = told.map(({ event }) => event.case).filter((kind) => kind !== "delta");
    expect(kinds[0]).toBe("session");
    expect(kinds.filter((kind) => kind !== "usage")).toEqual([
      ...["session", "text", "toolCall", "toolResult", "toolCall", "toolResult", "toolCall", "toolResult", "text"],
      "turnResult",
    ]);
    expect(
      told.flatMap(({ event }) => (event.case === "toolCall" ? [[event.value.id, event.value.tool]] : [])),
    ).toEqual([
      ["toolu_read", "Read"],
      ["toolu_edit", "Edit"],
      ["toolu_show", "Bash"],
    ]);
    const results = told.flatMap(({ event }) => (event.case === "toolResult" ? [event.value] : []));
    expect(results).toMatchObject([
      { toolCallId: "toolu_read", isError: false, text: expect.stringContaining("two") },
      { toolCallId: "toolu_edit", isError: false },
      { toolCallId: "toolu_show", isError: false, text: expect.stringMatching(/^one\nTWO\n notes\.txt \|/) },
    ]);
    expect(told.at(-1)?.event).toMatchObject({
      value: { isError: false, text: "The note says TWO now.", turns: editNotes.length, usage: { outputTokens: 400n } },
    });
    const tokens = told.flatMap(({ event }) => (event.case === "usage" ? [event.value.usage?.outputTokens] : []));
    expect(tokens).toEqual(editNotes.map(({ usage }) => BigInt(usage.outputTokens)));

    const transcript = stream.flatMap(({ event, data }) => (event === "transcript" ? [data.type] : []));
    expect(transcript.filter((type) => type !== "delta").slice(0, 4)).toEqual([
      "session",
      "text",
      "tool_call",
      "tool_result",
    ]);
    expect(await readJob(system, id)).toMatchObject({
      status: { state: JobState.SUCCEEDED },
      result: "The note says TWO now.",
      usage: { inputTokens: 4000n, outputTokens: 400n, requests: 4 },
    });
    await system.jobs.deleteJob({ id });
    expect(await (await get(system, "/api/usage?by=repository")).json()).toMatchObject({
      rows: [{ key: repo_ref, jobs: 1, usage: { input_tokens: 4000, output_tokens: 400, requests: 4 } }],
    });
  });
});

function checkouts(events: readonly NumberedEvent[]): string[] {
  return events.flatMap(({ payload }) =>
    payload.case === "workspace" && payload.value.event.case === "checkedOut" ? [payload.value.event.value.commit] : [],
  );
}

function agentEvents(events: readonly NumberedEvent[]): AgentEvent[] {
  return events.flatMap(({ payload }) => (payload.case === "agent" ? [payload.value] : []));
}
