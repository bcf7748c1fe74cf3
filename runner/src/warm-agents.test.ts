import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { type AgentWorkSchema, EndCause, PermissionMode } from "#gen/job/v1/job_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { type Model, startModel } from "../../e2e/model/model.ts";
import type { ModelRequest } from "../../e2e/model/request.ts";
import { answer, type Turn, text, toolUse } from "../../e2e/model/turn.ts";
import { agentEvents, valuesOf } from "../testing/agent-runner.ts";
import { endOf, followJob, logText, type NumberedEvent, startRequest, story } from "../testing/jobs.ts";
import { makeDataDirectory, processesIn, startRunner, type TestRunner } from "../testing/start-runner.ts";
import { identifyProcess } from "./process/process-table.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

const patient = { timeout: 30_000, interval: 20 };

/** The agent looks at its id, and is done; told to wait, it waits for ever, and told to talk, it looks at nothing. */
function script({ body, toolResults, prompt }: ModelRequest): Turn {
  if (toolResults.length > 0 || prompt.includes("Talk.")) return answer([text("Done.")]);
  const command = JSON.stringify(body.messages).includes("Wait.") ? "tail -f /dev/null" : 'echo "$BLAZECRAFT_JOB_ID"';
  return answer([toolUse("Bash", { command, description: "Look" })]);
}

let data: ReturnType<typeof makeDataDirectory>;
let model: Model;
let runner: TestRunner;

beforeEach(async () => {
  data = makeDataDirectory();
  model = await startModel({ script });
  await start({ WARM_AGENTS: "1" });
});
afterEach(async () => {
  await runner.stop("SIGINT");
  await model.close();
  data.remove();
});

async function start(env: Readonly<Record<string, string>>): Promise<void> {
  const known = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "sk-test" };
  runner = await startRunner(data.path, { ...known, ...env });
}

type Work = Partial<MessageInitShape<typeof AgentWorkSchema>>;

function agentRequest(work: Work = {}): StartJobRequest {
  const value = { agent: "claude", prompt: "Go.", permissionMode: PermissionMode.BYPASS, ...work };
  return startRequest("", { work: { case: "agent", value: value as MessageInitShape<typeof AgentWorkSchema> } });
}

async function run(request: StartJobRequest): Promise<NumberedEvent[]> {
  await runner.client.startJob(request);
  return followJob(runner.client, request);
}

/** The newest agent that waits for a job: its session and its process. */
function warmAgent({ after = "" } = {}): Promise<{ session: string; pid: number }> {
  return vi.waitFor(() => {
    const waiting = runner.log().matchAll(/"session":"(warm_\w+)","msg":"an agent waits/g);
    const [, session = ""] = [...waiting].at(-1) ?? [];
    const [pid] = session === after ? [] : processesIn(join(data.path, "sessions", session));
    if (pid === undefined) throw new Error("no agent waits");
    return { session, pid };
  }, patient);
}

function pidOf(events: readonly NumberedEvent[]): number | undefined {
  const [pid] = events.flatMap(({ payload }) =>
    payload.case === "process" && payload.value.event.case === "started" ? [payload.value.event.value.pid] : [],
  );
  return pid;
}

async function untilGone(session: string, pid: number): Promise<void> {
  const where = join(data.path, "sessions", session);
  await vi.waitFor(() => expect([existsSync(where), identifyProcess(pid)]).toEqual([false, undefined]), patient);
}

describe("a job with an agent that was started before it", () => {
  test("tells the same story as another, and its commands know its id", async () => {
    const waiting = await warmAgent();
    const request = agentRequest();
    const warm = await run(request);
    expect(pidOf(warm)).toBe(waiting.pid);
    await runner.stop("SIGINT");
    await start({});
    const cold = await run(agentRequest());
    expect(story(warm)).toEqual(story(cold));
    // What requests took is told by another way than what the agent did, so their order is open.
    const deeds = (events: readonly NumberedEvent[]) =>
      agentEvents(events).flatMap(({ event }) => (event.case === "usage" ? [] : [event.case]));
    expect(deeds(warm)).toEqual(deeds(cold));
    expect(logText(warm, LogStream.STDERR)).toBe(logText(cold, LogStream.STDERR));
    const usage = (events: readonly NumberedEvent[]) => valuesOf(agentEvents(events), "usage").map((one) => one.usage);
    expect(usage(warm)).toEqual(usage(cold));
    expect(endOf(warm)).toMatchObject({ outcome: { cause: EndCause.COMPLETED }, result: "Done." });
    const [output] = valuesOf(agentEvents(warm), "toolResult");
    expect(output?.text.trim()).toBe(request.jobId);
  });

  test("has the model and the mode that it asks for, and another agent and session than the next", async () => {
    const first = await warmAgent();
    const one = await run(
      agentRequest({ prompt: "Talk.", model: "claude-sonnet-5-5", permissionMode: PermissionMode.PLAN }),
    );
    const second = await warmAgent({ after: first.session });
    const two = await run(agentRequest({ permissionMode: PermissionMode.BYPASS }));
    expect([pidOf(one), pidOf(two)]).toEqual([first.pid, second.pid]);
    const [[begun], [next]] = [one, two].map((events) => valuesOf(agentEvents(events), "session")) as [
      Session[],
      Session[],
    ];
    expect(begun).toMatchObject({ model: "claude-sonnet-5-5", permissionMode: PermissionMode.PLAN });
    expect(next).toMatchObject({ permissionMode: PermissionMode.BYPASS });
    expect(next?.model).not.toBe(begun?.model);
    expect(next?.sessionId).not.toBe(begun?.sessionId);
    const asked = model.requests.filter(({ call }) => call?.session === begun?.sessionId);
    expect(new Set(asked.map(({ call }) => call?.body.model))).toEqual(new Set(["claude-sonnet-5-5"]));
    expect(endOf(two).result).toBe("Done.");
  });

  test("can be continued, and leaves no process, socket or directory for that but its session", async () => {
    const { session, pid } = await warmAgent();
    const request = agentRequest();
    await run(request);
    await runner.client.releaseJob({ jobId: request.jobId, attempt: 1 });
    expect(identifyProcess(pid)).toBeUndefined();
    expect(readdirSync(join(data.path, "sessions", session)).toSorted()).toEqual(["home", "session.json", "workspace"]);
    await runner.stop("SIGKILL");
    await start({ WARM_AGENTS: "1" });
    const more = await run({ ...agentRequest(), continues: request.jobId });
    expect(story(more)).toContain("sessionResumed");
    expect(endOf(more)).toMatchObject({ outcome: { cause: EndCause.COMPLETED } });
    const said = JSON.stringify(model.requests.at(-1)?.call?.body.messages);
    expect(said.split("Go.").length).toBeGreaterThan(2);
  });

  test("is lost with its supervisor, and nothing of it runs on", async () => {
    const { session, pid } = await warmAgent();
    const request = agentRequest({ prompt: "Wait." });
    await runner.client.startJob(request);
    await followJob(runner.client, request, { enough: (events) => story(events).includes("started") });
    await vi.waitFor(
      () => expect(processesIn(join(data.path, "sessions", session)).length).toBeGreaterThan(1),
      patient,
    );
    process.kill(supervisorOf(pid), "SIGKILL");
    const end = endOf(await followJob(runner.client, request));
    expect(end.outcome?.cause).toBe(EndCause.RUNNER_LOST);
    expect(processesIn(join(data.path, "sessions", session))).toEqual([]);
    await runner.client.releaseJob({ jobId: request.jobId, attempt: 1 });
    expect(existsSync(join(data.path, "sessions", session))).toBe(false);
  });
});

describe("an agent that waits", () => {
  test("is ended when its supervisor gets a job that cannot use it", async () => {
    const { session, pid } = await warmAgent();
    const requests = [
      agentRequest({ appendSystemPrompt: "Be brief." }),
      agentRequest({ appendSystemPrompt: "Be long." }),
    ];
    const runs = await Promise.all(requests.map(run));
    for (const events of runs) {
      expect(pidOf(events)).not.toBe(pid);
      expect(endOf(events)).toMatchObject({ outcome: { cause: EndCause.COMPLETED } });
    }
    await untilGone(session, pid);
  });

  test("is replaced when it or its supervisor is killed", async () => {
    const first = await warmAgent();
    process.kill(first.pid, "SIGKILL");
    await untilGone(first.session, first.pid);
    const second = await warmAgent({ after: first.session });
    process.kill(supervisorOf(second.pid), "SIGKILL");
    await untilGone(second.session, second.pid);
    const third = await warmAgent({ after: second.session });
    expect(pidOf(await run(agentRequest()))).toBe(third.pid);
  });

  test("is gone with its runner, and the next one clears what a killed supervisor left", async () => {
    const first = await warmAgent();
    await runner.stop("SIGTERM");
    await untilGone(first.session, first.pid);
    await start({ WARM_AGENTS: "1" });
    const second = await warmAgent();
    const supervisor = supervisorOf(second.pid);
    await runner.stop("SIGKILL");
    process.kill(supervisor, "SIGKILL");
    await start({});
    await untilGone(second.session, second.pid);
    expect(readdirSync(join(data.path, "sessions"))).toEqual([]);
  });
});

type Session = ReturnType<typeof valuesOf<"session">>[number];

/** The supervisor that a process of a job comes from, through whatever stands between them. */
function supervisorOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  const isSupervisor = readFileSync(`/proc/${parent}/cmdline`, "latin1").includes("/supervisor/main.ts");
  return isSupervisor ? parent : supervisorOf(parent);
}
