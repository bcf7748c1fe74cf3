import { readFile } from "node:fs/promises";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Ask, AskRuleVerdict, AskState } from "#gen/job/v1/ask_pb.js";
import { type JobEvent, MessageState } from "#gen/job/v1/job_event_pb.js";
import { ActorKind, JobState } from "#gen/job/v1/job_pb.js";
import { JobService } from "#gen/job/v1/job_service_pb.js";
import { readCommands, runCommands } from "./guide/doc-commands.ts";
import { type Model, startModel } from "./model/model.ts";
import { inOrder, type Script } from "./model/script.ts";
import { answer, refusal, type Turn, text, toolUse } from "./model/turn.ts";
import { readJob, type SpecInit, watchToEnd } from "./system/jobs.ts";
import { refusalOf } from "./system/refusal.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

let system: TestSystem;
let model: Model;
/** What the model says, by the prompt that a job begins with, and by the session that it then has. */
const turnsByPrompt = new Map<string, readonly Turn[]>();
const scriptBySession = new Map<string, Script>();

beforeAll(async () => {
  model = await startModel({
    script: (request) => {
      const [, turns] = [...turnsByPrompt].find(([prompt]) => request.prompt.includes(prompt)) ?? [];
      const script = scriptBySession.get(request.session) ?? (turns && inOrder({ main: turns, subagent: [] }));
      if (script === undefined) return refusal(403, "permission_error");
      scriptBySession.set(request.session, script);
      return script(request);
    },
  });
  system = await startSystem({ runnerEnv: { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "sk-test" } });
});
afterAll(async () => {
  await system.stop();
  await model.close();
});

/** Appends a letter to a file of the job: that tells what ran, and how often. */
const appending = (letter: string) => `printf ${letter} >> ran`;
const append = (letter: string) => answer([toolUse("Bash", { command: appending(letter), description: "Append" })]);
const ranIn = (id: string) =>
  readFile(`${system.stateFolder}/runner/sessions/${id}/workspace/ran`, "utf8").catch(() => "");
const say = (words: string) => answer([text(words)]);

/** Creates a job whose agent does this. */
async function createAgent(turns: readonly Turn[], spec: SpecInit = {}): Promise<string> {
  const prompt = `Job number ${turnsByPrompt.size + 1}.`;
  turnsByPrompt.set(prompt, turns);
  const work = { case: "agent", value: { agent: "claude", prompt } } as const;
  const { job } = await system.jobs.createJob({ spec: { repoRef: "test", work, ...spec } });
  if (job === undefined) throw new Error("createJob answered without a job");
  return job.id;
}

/** The first ask of a job, once somebody who watches has seen it; who watched then leaves. */
async function askOf(id: string): Promise<Ask> {
  const events = await watchToEnd(system, id, { enough: (seen) => asksIn(seen).length > 0 });
  const [ask] = asksIn(events);
  if (ask === undefined) throw new Error(`job ${id} ended without an ask`);
  return ask;
}

function asksIn(events: readonly JobEvent[]): readonly Ask[] {
  return events.flatMap(({ payload }) => (payload.case === "ask" ? [payload.value] : []));
}

/** How the job ended. */
async function outcomeOf(id: string) {
  const events = await watchToEnd(system, id);
  const { status, openAsks } = await readJob(system, id);
  return { asks: asksIn(events).map(({ state }) => state), state: status?.state, openAsks };
}

const succeeded = { asks: [AskState.OPEN, AskState.DECIDED], state: JobState.SUCCEEDED, openAsks: 0 };

function refTo({ jobId, id: askId }: Ask) {
  return { jobId, askId };
}

const allow = { verdict: { case: "allow", value: {} } } as const;

test("an ask outlives who watched it, and is decided by another client", async () => {
  const id = await createAgent([append("a"), say("Done.")]);
  const ask = await askOf(id);
  expect(await readJob(system, id)).toMatchObject({ openAsks: 1, status: { state: JobState.WAITING } });
  const [block = ""] = await readCommands("## Answer an agent", "api.md");
  const printed = await runCommands(block, { GATEWAY: system.gatewayUrl, ASK: ask.id });
  const [listed, decided] = printed.split(/(?<=\})(?=\{)/).map((json) => JSON.parse(json));
  expect(listed.asks).toMatchObject([{ id: ask.id, job_id: id, state: "open", permission: { tool: "Bash" } }]);
  expect(decided).toMatchObject({ id: ask.id, state: "decided", decision: { actor: { id: "local" } } });
  expect(await outcomeOf(id)).toEqual(succeeded);
  expect(await ranIn(id)).toBe("a");
});

test("of two clients that decide at once one wins, and the tool runs once", async () => {
  const id = await createAgent([append("a"), say("Done.")]);
  const ask = await askOf(id);
  const clients = [1, 2].map(() => createClient(JobService, createConnectTransport({ baseUrl: system.gatewayUrl })));
  const answers = await Promise.all(
    clients.map((client) => refusalOf(client.decideAsk({ asks: [refTo(ask)], decision: allow }))),
  );
  expect(answers.toSorted()).toEqual(["aborted already_decided", "accepted"]);
  expect(await outcomeOf(id)).toEqual(succeeded);
  expect(await ranIn(id)).toBe("a");
});

test("kill -9 of the gateway, then of the runner, between an ask and its decision: it is still delivered, once", async () => {
  const id = await createAgent([append("a"), say("Done.")]);
  const ask = await askOf(id);
  await system.gateway.kill("SIGKILL");
  await system.gateway.start();
  await system.runner.kill("SIGKILL");
  await system.jobs.decideAsk({ asks: [refTo(ask)], decision: allow });
  await system.gateway.kill("SIGKILL");
  await system.gateway.start();
  await system.runner.start();
  expect(await outcomeOf(id)).toEqual(succeeded);
  expect(await ranIn(id)).toBe("a");
}, 120_000);

test("an ask that nobody answers is denied when it expires, and the agent is told so", async () => {
  const id = await createAgent([append("a"), say("Pity.")], { limits: { ask: { seconds: 2n } } });
  expect(await outcomeOf(id)).toEqual({ ...succeeded, asks: [AskState.OPEN, AskState.EXPIRED] });
  expect(await ranIn(id)).toBe("");
  const { asks } = await system.jobs.listAsks({ jobId: id, states: [AskState.EXPIRED] });
  expect(asks).toMatchObject([{ decision: { actor: { kind: ActorKind.GATEWAY }, verdict: { case: "deny" } } }]);
  const told = model.requests.flatMap(({ call }) => call?.toolResults ?? []).at(-1);
  expect(told?.content).toContain("Nobody answered within 2 s, so it was denied.");
});

test("a rule decides what waits in two jobs, and what comes later without a person", async () => {
  const labels = { sweep: "one" };
  const turns = [append("a"), append("b"), say("Done.")];
  const ids = [await createAgent(turns, { labels }), await createAgent(turns, { labels })];
  for (const id of ids) await askOf(id);
  const { rule, asks } = await system.jobs.createAskRule({
    rule: { rule: `Bash(${appending("a")})`, labels: ["sweep=one"], verdict: AskRuleVerdict.ALLOW },
  });
  expect(asks.map(({ jobId }) => jobId).toSorted()).toEqual(ids.toSorted());
  const later = await system.jobs.createAskRule({
    rule: { rule: "Bash", labels: ["sweep"], verdict: AskRuleVerdict.ALLOW },
  });
  for (const id of ids) {
    expect(await outcomeOf(id)).toMatchObject({ state: JobState.SUCCEEDED });
    const decided = await system.jobs.listAsks({ jobId: id, states: [AskState.DECIDED] });
    expect(decided.asks.map(({ decision }) => decision?.rule)).toEqual([rule?.id, later.rule?.id]);
  }
  expect(await Promise.all(ids.map(ranIn))).toEqual(["ab", "ab"]);
  const { rules } = await system.jobs.listAskRules({});
  expect(rules.map(({ decided }) => decided)).toEqual([2, 2]);
});

test("questions are answered by their choices", async () => {
  const question = (word: string, multiSelect: boolean) => ({
    question: `Which ${word}?`,
    header: word,
    multiSelect,
    options: ["Red", "Blue"].map((label) => ({ label, description: label })),
  });
  const questions = [question("color", false), question("colors", true)];
  const id = await createAgent([answer([toolUse("AskUserQuestion", { questions })]), say("Thank you.")]);
  const ask = await askOf(id);
  const answers = [{ values: ["Blue"] }, { values: ["Red", "Blue"] }];
  const few = { verdict: { case: "answers", value: { answers: answers.slice(1) } } } as const;
  const refused = await refusalOf(system.jobs.decideAsk({ asks: [refTo(ask)], decision: few }));
  expect(refused).toBe("failed_precondition ask_closed decision.answers.answers");
  const decision = { verdict: { case: "answers", value: { answers } } } as const;
  await system.jobs.decideAsk({ asks: [refTo(ask)], decision });
  expect(await outcomeOf(id)).toMatchObject({ state: JobState.SUCCEEDED });
  const told = model.requests.flatMap(({ call }) => call?.toolResults ?? []).at(-1);
  expect(told?.content).toMatch(/Which color\?.*Blue.*Which colors\?.*Red.*Blue/s);
});

test("what a job is told before it starts is in force when it does", async () => {
  await system.fleet.drainRunner({ name: "vm-1" });
  const write = answer([toolUse("Write", { file_path: "ran.txt", content: "w" })]);
  const id = await createAgent([write, say("Done."), say("And that.")]);
  const [block = ""] = await readCommands("## Tell an agent something", "api.md");
  const printed = await runCommands(block.replace("plan", "accept_edits"), { GATEWAY: system.gatewayUrl, JOB: id });
  const [message, job] = printed.split(/(?<=\})(?=\{)/).map((json) => JSON.parse(json));
  expect(message).toMatchObject({ state: "queued", text: "Leave the tests alone.", author: { id: "local" } });
  expect(job).toMatchObject({ status: "pending", permission_mode: "accept_edits" });
  await system.fleet.resumeRunner({ name: "vm-1" });
  expect(await outcomeOf(id)).toMatchObject({ asks: [], state: JobState.SUCCEEDED });
  const events = await watchToEnd(system, id);
  const states = events.flatMap(({ payload }) => (payload.case === "message" ? [payload.value.state] : []));
  expect(states).toEqual([MessageState.QUEUED, MessageState.QUEUED, MessageState.CONSUMED]);
  expect(model.requests.some(({ body }) => body.includes("Leave the tests alone."))).toBe(true);
});
