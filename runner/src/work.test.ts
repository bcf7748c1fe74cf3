import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type JobEvent, MessageSchema, MessageState } from "#gen/job/v1/job_event_pb.js";
import { EndCause, PermissionMode } from "#gen/job/v1/job_pb.js";
import type { Diff } from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { GetDiffRequestSchema, StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { randomId } from "#protocol/id.ts";
import { findProblem } from "#protocol/problem.ts";
import { type GitServer, startGitServer } from "../../e2e/git/git-server.ts";
import { makeRepository, type Repository } from "../../e2e/git/make-repository.ts";
import { answer, type Turn, text, toolUse } from "../../e2e/model/turn.ts";
import { type AgentRunner, openAgentRunner, valuesOf } from "../testing/agent-runner.ts";
import { logText, startRequest } from "../testing/jobs.ts";
import { makeDataDirectory } from "../testing/start-runner.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const data = makeDataDirectory();
const room = mkdtempSync(join(tmpdir(), "blazecraft-work-"));
let repository: Repository;
let server: GitServer;
let agents: AgentRunner;

beforeAll(async () => {
  repository = await makeRepository(room, "acme/api", [{ message: "Begin", files: { "a.txt": "one\n" } }]);
  server = await startGitServer({ folder: room });
  agents = await openAgentRunner(data.path, { ALLOW_INSECURE_GIT: "true", MAX_CONCURRENT_JOBS: "4" });
});

afterAll(async () => {
  await agents[Symbol.asyncDispose]();
  await server.close();
  data.remove();
  rmSync(room, { recursive: true });
});

type Wish = Omit<MessageInitShape<typeof GetDiffRequestSchema>, "$typeName">;

async function diffOf({ jobId, attempt }: StartJobRequest, wish: Wish = {}): Promise<Diff> {
  const { diff } = await agents.client.getDiff({ jobId, attempt, ...wish });
  return diff ?? expect.fail("no diff came");
}

function changes({ files }: Diff): string[] {
  return files.map(({ path, insertions, deletions }) => `${path} +${insertions} -${deletions}`);
}

async function refusal(request: StartJobRequest, wish: Wish = {}): Promise<ProblemReason | undefined> {
  const error = await agents.client.getDiff({ ...wish, jobId: request.jobId, attempt: 1 }).catch(ConnectError.from);
  return error instanceof ConnectError ? findProblem(error)?.reason : undefined;
}

function workspaceEvents(events: readonly JobEvent[], name: "checkpoint" | "diffstat") {
  return events.flatMap(({ payload }) =>
    payload.case === "workspace" && payload.value.event.case === name ? [payload.value.event.value] : [],
  );
}

const { QUEUED, CONSUMED } = MessageState;
const bypass = { permissionMode: PermissionMode.BYPASS };
const repoRef = () => `${server.url}/acme/api`;
const run = (command: string) => answer([toolUse("Bash", { command, description: "Work" })]);

describe("a task", () => {
  test("shows what it has changed while it runs, after its end, and tells how much", async () => {
    const request = startRequest(
      "echo two >> a.txt; touch go; while [ -e go ]; do sleep 0.05; done; echo new > b.txt",
      {
        repoRef: repoRef(),
      },
    );
    await agents.client.startJob(request);
    await agents.until(request, (events) => events.some(({ payload }) => payload.case === "process"));
    await vi.waitFor(async () => expect(changes(await diffOf(request))).toEqual(["a.txt +1 -0", "go +0 -0"]), {
      timeout: 20_000,
    });
    rmSync(join(data.path, "jobs", request.jobId, "workspace", "go"));
    const { events } = await agents.finish(request);
    const diff = await diffOf(request);
    expect(diff.baseCommit).toBe(repository.commits[0]);
    expect(changes(diff)).toEqual(["a.txt +1 -0", "b.txt +1 -0"]);
    expect(workspaceEvents(events, "diffstat")).toMatchObject([{ files: 2, insertions: 2, deletions: 0 }]);
    expect(changes(await diffOf(request, { path: "b.txt", statOnly: true }))).toEqual(["b.txt +1 -0"]);
    expect(await refusal(request, { fromTurn: 1 })).toBe(ProblemReason.TURN_NOT_FOUND);
    await agents.client.releaseJob({ jobId: request.jobId, attempt: 1 });
    expect(await refusal(request)).toBe(ProblemReason.JOB_NOT_FOUND);
  });

  test("is shown as it is when it made the base commit unfindable by name", async () => {
    const command =
      "git checkout -q --orphan x && git rm -rqf . && echo mine > c.txt && git branch -D main && git add -A";
    const request = startRequest(command, { repoRef: repoRef() });
    await agents.client.startJob(request);
    await agents.finish(request);
    expect(changes(await diffOf(request))).toEqual(["a.txt +0 -1", "c.txt +1 -0"]);
  });

  test("that has broken its repository ends as it would have, and its diff is refused", async () => {
    const request = startRequest("rm -rf .git; echo done", { repoRef: repoRef() });
    await agents.client.startJob(request);
    const { events, end } = await agents.finish(request);
    expect([end.outcome?.cause, logText(events)]).toEqual([EndCause.COMPLETED, "done\n"]);
    expect(await refusal(request)).toBe(ProblemReason.REPOSITORY_BROKEN);
  });

  test("shows asterisks in place of a secret, while it runs and after its end", async () => {
    const command = "echo $DEPLOY_TOKEN > b.txt; while [ -e a.txt ]; do sleep 0.05; done";
    const request = startRequest(command, { repoRef: repoRef(), env: { DEPLOY_TOKEN: "swordfish" } });
    await agents.client.startJob(request);
    const patch = async () => Buffer.from((await diffOf(request, { path: "b.txt" })).files[0]?.patch ?? []).toString();
    await agents.until(request, (events) => events.some(({ payload }) => payload.case === "process"));
    await vi.waitFor(async () => expect(await patch()).toContain("+*********\n"));
    rmSync(join(data.path, "jobs", request.jobId, "workspace", "a.txt"));
    await agents.finish(request);
    expect(await patch()).toContain("+*********\n");
  });

  test("without a repository has no diff", async () => {
    const request = startRequest("echo hi");
    await agents.client.startJob(request);
    await agents.finish(request);
    expect(await refusal(request)).toBe(ProblemReason.NO_REPOSITORY);
  });
});

/** An agent that works in two turns: the second begins with a message that came while the first was at its end. */
async function twoTurns(
  later: readonly Turn[] = [],
): Promise<{ request: StartJobRequest; events: readonly JobEvent[] }> {
  const gate = Promise.withResolvers<void>();
  const disturbance = { kind: "hold", afterEvents: 3, until: gate.promise } as const;
  const turns = [
    run("echo 1 > one.txt"),
    answer([text("First.")], { disturbance }),
    run("git rm -q a.txt && git commit -qm Gone && echo 2 > two.txt"),
    answer([text("Second.")]),
    ...later,
  ];
  const request = await agents.start({ turns, work: bypass, repoRef: repoRef() });
  await vi.waitFor(() => expect(agents.traces(request).requests).toHaveLength(2), { timeout: 20_000 });
  await agents.send(request, create(MessageSchema, { id: randomId("msg"), state: QUEUED, text: "Go on." }));
  gate.resolve();
  const { events } = await agents.finish(request);
  return { request, events };
}

function release({ jobId }: StartJobRequest): Promise<unknown> {
  return agents.client.releaseJob({ jobId, attempt: 1 });
}

/** A job that goes on where another's agent ended a turn. */
async function goOn({ jobId: continues }: StartJobRequest, continuesTurn: number) {
  const request = { ...agents.request({ turns: [], work: bypass, repoRef: repoRef() }), continues, continuesTurn };
  await agents.client.startJob(request);
  return { request, ...(await agents.finish(request)) };
}

describe("an agent", () => {
  test("leaves a checkpoint after each turn, before the next begins, and any two can be compared", async () => {
    const { request, events } = await twoTurns();
    const told = events.flatMap(({ payload }) => {
      if (payload.case === "message" && payload.value.state === CONSUMED) return ["told"];
      return payload.case === "workspace" ? [payload.value.event.case] : [];
    });
    expect(told).toEqual(["cloneStarted", "checkedOut", "checkpoint", "told", "checkpoint", "diffstat"]);
    expect(workspaceEvents(events, "checkpoint")).toMatchObject([
      { turn: 1, diffstat: { files: 1, insertions: 1, deletions: 0 } },
      { turn: 2, diffstat: { files: 3, insertions: 2, deletions: 1 } },
    ]);
    const both = ["a.txt +0 -1", "two.txt +1 -0"];
    expect(changes(await diffOf(request, { toTurn: 1 }))).toEqual(["one.txt +1 -0"]);
    expect(changes(await diffOf(request, { fromTurn: 1, toTurn: 2 }))).toEqual(both);
    expect(changes(await diffOf(request, { fromTurn: 1 }))).toEqual(both);
    expect(await refusal(request, { toTurn: 3 })).toBe(ProblemReason.TURN_NOT_FOUND);
  });

  test("is shown after its release for as long as its session is kept, and no job has gone on with it", async () => {
    const { request } = await twoTurns([answer([text("Third.")])]);
    await release(request);
    expect(changes(await diffOf(request))).toEqual(["a.txt +0 -1", "one.txt +1 -0", "two.txt +1 -0"]);
    const next = await goOn(request, 0);
    expect(await refusal(request)).toBe(ProblemReason.JOB_NOT_FOUND);
    expect(changes(await diffOf(next.request))).toEqual(["a.txt +0 -1", "one.txt +1 -0", "two.txt +1 -0"]);
    expect(await refusal(next.request, { toTurn: 2 })).toBe(ProblemReason.TURN_NOT_FOUND);
  });

  test("can be gone on with from any of its turns, and is told so", async () => {
    const { request } = await twoTurns([run("ls; git log --format=%s"), answer([text("Third.")])]);
    await release(request);
    const { end, did } = await goOn(request, 1);
    expect(end.outcome?.cause).toBe(EndCause.COMPLETED);
    expect(valuesOf(did, "toolResult")).toMatchObject([{ text: "a.txt\none.txt\nBegin" }]);
    const { requests } = agents.traces(request);
    expect(JSON.stringify(requests[4]?.call?.body.messages)).toContain("set back to where it stood after turn 1");
  });

  test("cannot be gone on with from a turn that it has not ended; its session is left to others", async () => {
    const { request } = await twoTurns([answer([text("Third.")])]);
    await release(request);
    const lost = await goOn(request, 3);
    expect(lost.end.outcome).toMatchObject({ cause: EndCause.SESSION_LOST, message: expect.stringMatching(/Turn 3/) });
    expect((await goOn(request, 2)).end.outcome?.cause).toBe(EndCause.COMPLETED);
  });
});
