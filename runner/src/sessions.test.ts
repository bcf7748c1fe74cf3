import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EndCause, PermissionMode } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { findProblem } from "#protocol/problem.ts";
import { type GitServer, startGitServer } from "../../e2e/git/git-server.ts";
import { makeRepository } from "../../e2e/git/make-repository.ts";
import { type Model, startModel } from "../../e2e/model/model.ts";
import { answer, refusal, silence, type Turn, text, toolUse } from "../../e2e/model/turn.ts";
import { endOf, followJob, startRequest, story } from "../testing/jobs.ts";
import { makeDataDirectory, startRunner, type TestRunner } from "../testing/start-runner.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let data: ReturnType<typeof makeDataDirectory>;
let model: Model;
let runner: TestRunner;
/** What the model says next, to whoever asks. */
let turns: Turn[];

beforeEach(async () => {
  data = makeDataDirectory();
  turns = [];
  model = await startModel({ script: () => turns.shift() ?? refusal(403, "permission_error") });
  await restart();
});
afterEach(async () => {
  await runner.stop("SIGINT");
  await model.close();
  data.remove();
});

async function restart(env: Readonly<Record<string, string>> = {}): Promise<void> {
  const known = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "sk-test", ALLOW_INSECURE_GIT: "true" };
  runner = await startRunner(data.path, { ...known, ...env });
}

const writeNote = [answer([toolUse("Write", { file_path: "note.txt", content: "cake\n" })]), answer([text("Noted.")])];

/** A job to its end, and until the runner has forgotten it, as a gateway has it. */
async function run(prompt: string, says: readonly Turn[], { continues = "", repoRef = "test" } = {}) {
  const value = { agent: "claude", prompt, permissionMode: PermissionMode.BYPASS };
  const request = { ...startRequest("", { repoRef, work: { case: "agent", value } }), continues };
  turns.push(...says);
  await runner.client.startJob(request);
  const events = await followJob(runner.client, request);
  await runner.client.releaseJob({ jobId: request.jobId, attempt: 1 });
  const [resumed] = events.flatMap(({ payload }) =>
    payload.case === "workspace" && payload.value.event.case === "sessionResumed" ? [payload.value.event.value] : [],
  );
  return { id: request.jobId, events, resumed, ...endOf(events) };
}

describe("a job that continues another", () => {
  test("goes on with its conversation in its workspace, after a restart too, and can be continued itself", async () => {
    const first = await run("Note the cake.", writeNote);
    await runner.stop("SIGKILL");
    await restart();
    const show = answer([toolUse("Bash", { command: "pwd; cat note.txt", description: "Show" })]);
    const second = await run("What did I say?", [show, answer([text("Cake.")])], { continues: first.id });
    expect(second).toMatchObject({ outcome: { cause: EndCause.COMPLETED }, result: "Cake." });
    expect(second.resumed).toMatchObject({
      jobId: first.id,
      commit: "",
      sessionId: expect.stringMatching(/^[0-9a-f-]+$/),
    });
    expect(story(second.events).slice(0, 4)).toEqual([
      "stateChanged",
      "phaseChanged",
      "sessionResumed",
      "phaseChanged",
    ]);
    const workspace = join(data.path, "sessions", first.id, "workspace");
    expect(toolResults(second.events)).toEqual([`${workspace}\ncake`]);
    const third = await run("And now?", [answer([text("Still cake.")])], { continues: second.id });
    expect(third).toMatchObject({ result: "Still cake.", resumed: { sessionId: second.resumed?.sessionId } });
    const asked = JSON.stringify(
      model.requests.findLast(({ call }) => call?.thread.kind === "main")?.call?.body.messages,
    );
    for (const said of ["Note the cake.", "Noted.", "What did I say?", "Cake.", "And now?"])
      expect(asked).toContain(said);
  });

  test("goes on with one that was canceled in the middle of its work", async () => {
    const value = { agent: "claude", prompt: "Note the cake.", permissionMode: PermissionMode.BYPASS };
    const first = startRequest("", { work: { case: "agent", value } });
    turns.push(...writeNote.slice(0, 1), silence);
    await runner.client.startJob(first);
    await model.until((requests) => requests.filter(({ call }) => call?.thread.kind === "main").length === 2);
    const { jobId } = first;
    await runner.client.stopJob({ jobId, attempt: 1, cause: EndCause.CANCELED });
    expect(endOf(await followJob(runner.client, first)).outcome?.cause).toBe(EndCause.CANCELED);
    await runner.client.releaseJob({ jobId, attempt: 1 });
    const second = await run("Go on.", [answer([text("Going on.")])], { continues: jobId });
    expect(second.result).toBe("Going on.");
    expect(JSON.stringify(model.requests.at(-1)?.call?.body.messages)).toContain("Note the cake.");
  });

  test("finds nothing of HOME but the conversation", async () => {
    const settings = '{"hooks":{"SessionStart":[{"hooks":[{"type":"command","command":"touch $HOME/../hooked"}]}]}}';
    const command = `echo '${settings}' > $HOME/.claude/settings.json; echo touch $HOME/../sourced > $HOME/.bashrc`;
    const plant = answer([toolUse("Bash", { command, description: "Plant" })]);
    const first = await run("Plant.", [plant, answer([text("Done.")])]);
    const home = join(data.path, "sessions", first.id, "home");
    expect(readdirSync(home, { recursive: true }).filter((path) => /settings.json|bashrc/.test(String(path)))).toEqual(
      [],
    );
    const look = answer([toolUse("Bash", { command: "ls $HOME/..", description: "Look" })]);
    const second = await run("Go on.", [look, answer([text("Yes.")])], { continues: first.id });
    expect(second.result).toBe("Yes.");
    expect(toolResults(second.events).join()).not.toMatch(/hooked|sourced/);
  });

  test("is refused when another has gone on with the session, and is told which", async () => {
    const first = await run("Note the cake.", writeNote);
    const second = await run("Go on.", [answer([text("Yes.")])], { continues: first.id });
    expect(await refused(run("Go on.", [], { continues: first.id }))).toEqual({
      reason: ProblemReason.SESSION_LOST,
      message: `the session of ${first.id} went on in ${second.id}`,
    });
    expect(await refused(run("Go on.", [], { continues: "job_0000000000000000" }))).toEqual({
      reason: ProblemReason.SESSION_LOST,
      message: expect.stringContaining("is not on this runner any more, or never was; they are kept for 168 h"),
    });
  });

  test("may be started again by a gateway that has no answer", async () => {
    const first = await run("Note the cake.", writeNote);
    const value = { agent: "claude", prompt: "Go on." };
    const request: StartJobRequest = {
      ...startRequest("", { work: { case: "agent", value } }),
      continues: first.id,
    };
    turns.push(answer([text("Yes.")]));
    await runner.client.startJob(request);
    expect(await runner.client.startJob(request)).toMatchObject({ alreadyStarted: true });
    expect(endOf(await followJob(runner.client, request)).result).toBe("Yes.");
  });

  test("is told when the agent's own store has lost the session, which stays for another try", async () => {
    const first = await run("Note the cake.", writeNote);
    const projects = join(data.path, "sessions", first.id, "home/.claude/projects");
    const [project = ""] = readdirSync(projects);
    execFileSync("mv", [join(projects, project), join(data.path, "aside")]);
    const second = await run("Go on.", [], { continues: first.id });
    expect(second.outcome).toMatchObject({
      cause: EndCause.SESSION_LOST,
      message: expect.stringContaining(`The session of ${first.id} cannot go on: claude has no session`),
    });
    execFileSync("mv", [join(data.path, "aside"), join(projects, project)]);
    expect(await run("Go on.", [answer([text("Yes.")])], { continues: first.id })).toMatchObject({ result: "Yes." });
  });
});

test("a session that cannot be recorded is told of in supervisors.log, and is not gone on with", async () => {
  const command = "mv $HOME/.claude/projects $HOME/moved && ln -s ../moved $HOME/.claude/projects";
  const move = answer([toolUse("Bash", { command, description: "Move" })]);
  const first = await run("Move it.", [move, answer([text("Done.")])]);
  expect(first.outcome).toMatchObject({ cause: EndCause.COMPLETED });
  const log = readFileSync(join(data.path, "supervisors.log"), "utf8");
  expect(log).toContain(`${first.id}: its session was not recorded: .claude/projects leads elsewhere`);
  expect(await refused(run("Go on.", [], { continues: first.id }))).toMatchObject({
    reason: ProblemReason.SESSION_LOST,
  });
});

describe("a session on a repository", () => {
  let folder: string;
  let git: GitServer;
  beforeEach(async () => {
    folder = mkdtempSync(`${tmpdir()}/sessions-git-`);
    await makeRepository(folder, "acme/site", [{ message: "First", files: { "a.txt": "a\n" } }]);
    git = await startGitServer({ folder });
  });
  afterEach(async () => {
    await git.close();
    rmSync(folder, { recursive: true });
  });

  test("goes on at the commit that its agent made, and not when that was moved", async () => {
    const repoRef = `${git.url}/acme/site`;
    const commit = "git -c user.name=a -c user.email=a@b.c commit -q --allow-empty -m More";
    const first = await run(
      "Commit.",
      [answer([toolUse("Bash", { command: commit, description: "Commit" })]), answer([text("Done.")])],
      { repoRef },
    );
    const workspace = join(data.path, "sessions", first.id, "workspace");
    const head = execFileSync("git", ["-c", "safe.directory=*", "rev-parse", "HEAD"], {
      cwd: workspace,
      encoding: "utf8",
    }).trim();
    const second = await run("Go on.", [answer([text("Yes.")])], { continues: first.id, repoRef });
    expect(second).toMatchObject({ result: "Yes.", resumed: { commit: head } });
    execFileSync("git", ["-c", "safe.directory=*", "reset", "-q", "--hard", "HEAD~1"], { cwd: workspace });
    const third = await run("Go on.", [], { continues: second.id, repoRef });
    expect(third.outcome).toMatchObject({
      cause: EndCause.SESSION_LOST,
      message: expect.stringMatching(
        new RegExp(
          `The session of ${second.id} cannot go on: its workspace is at commit .*, and it ended at commit ${head}`,
        ),
      ),
    });
    expect(story(third.events)).not.toContain("started");
  });
});

describe("what a runner keeps", () => {
  test("is bounded by number, the oldest go first", async () => {
    await runner.stop("SIGINT");
    await restart({ MAX_KEPT_SESSIONS: "1" });
    const first = await run("One.", [answer([text("1")])]);
    const second = await run("Two.", [answer([text("2")])]);
    expect(readdirSync(join(data.path, "sessions"))).toEqual([second.id]);
    expect(await refused(run("Go on.", [], { continues: first.id }))).toMatchObject({
      reason: ProblemReason.SESSION_LOST,
    });
  });

  test("is nothing when sessions are kept for no time, and of an agent that never began", async () => {
    await run("Fail.", [], { repoRef: "https://127.0.0.1.nip.invalid/acme/none" });
    expect(readdirSync(join(data.path, "sessions"))).toEqual([]);
    await runner.stop("SIGINT");
    await restart({ SESSION_KEEP_MS: "0" });
    const { id } = await run("One.", [answer([text("1")])]);
    expect(existsSync(join(data.path, "sessions", id))).toBe(false);
  });

  test("is found from the job's directory", async () => {
    const request = startRequest("", { work: { case: "agent", value: { agent: "claude", prompt: "Note." } } });
    turns.push(answer([text("1")]));
    await runner.client.startJob(request);
    await followJob(runner.client, request);
    const workspace = join(data.path, "sessions", request.jobId, "workspace");
    expect(readlinkSync(join(data.path, "jobs", request.jobId, "workspace"))).toBe(workspace);
    expect(readFileSync(join(data.path, "sessions", request.jobId, "session.json"), "utf8")).toContain(request.jobId);
  });
});

function toolResults(events: Awaited<ReturnType<typeof run>>["events"]): string[] {
  return events.flatMap(({ payload }) =>
    payload.case === "agent" && payload.value.event.case === "toolResult" ? [payload.value.event.value.text] : [],
  );
}

async function refused(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => ConnectError.from(reason),
  );
  return { reason: error && findProblem(error)?.reason, message: error?.rawMessage };
}
