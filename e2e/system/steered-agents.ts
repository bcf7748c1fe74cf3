import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "vitest";
import { type Ask, AskSchema, AskState, BudgetAskSchema, BudgetScope, QuestionAskSchema } from "#gen/job/v1/ask_pb.js";
import type { Job } from "#gen/job/v1/job_pb.js";
import { randomId } from "#protocol/id.ts";
import type { SpecInit } from "./jobs.ts";
import { type ScriptedAttempt, ScriptedRunner, type SteeringCall } from "./scripted-runner.ts";
import { startGateway, type TestGateway } from "./start-gateway.ts";

/** A gateway, and agents on a runner that does what the test says. */
export interface SteeredAgents {
  readonly gateway: TestGateway;
  readonly runner: ScriptedRunner;
  create(spec?: SpecInit): Promise<Job>;
  /** Creates one and waits until the runner has it. */
  start(spec?: SpecInit): Promise<{ id: string; attempt: ScriptedAttempt }>;
  /** Puts an ask to people and settles once the gateway has it. */
  putAsk(attempt: ScriptedAttempt, ask: Ask): Promise<Ask>;
  /** The ask as its job has it. */
  readAsk(ask: Ask): Promise<Ask | undefined>;
  readJob(id: string): Promise<Job | undefined>;
  /** Ids of the asks that are open, of all jobs. */
  openIds(): Promise<readonly string[]>;
  /** What the runner was told for a job. */
  callsOf(jobId: string): readonly SteeringCall[];
  close(): Promise<void>;
}

/** Starts the gateway and opens the runner. */
export async function openSteeredAgents(): Promise<SteeredAgents> {
  const runner = new ScriptedRunner();
  await runner.open();
  const gateway = await startGateway(runner.url);
  const { jobs } = gateway;
  const agents: SteeredAgents = {
    gateway,
    runner,
    async create(spec = {}) {
      const work = { case: "agent", value: { agent: "claude", prompt: "go" } } as const;
      const { job } = await jobs.createJob({ spec: { repoRef: "test", work, ...spec } });
      if (job === undefined) throw new Error("createJob answered without a job");
      return job;
    },
    async start(spec) {
      const { id } = await agents.create(spec);
      return { id, attempt: await runner.attempt(id) };
    },
    async putAsk(attempt, ask) {
      attempt.ask(ask);
      await expect.poll(() => agents.readAsk(ask)).toBeDefined();
      return ask;
    },
    async readAsk({ jobId, id }) {
      const { asks } = await jobs.listAsks({ jobId, states: [1, 2, 3, 4] });
      return asks.find((ask) => ask.id === id);
    },
    readJob: async (id) => (await jobs.getJob({ id })).job,
    openIds: async () => (await jobs.listAsks({ pageSize: 200 })).asks.map(({ id }) => id),
    callsOf: (jobId) => runner.calls.filter((call) => call.jobId === jobId),
    async close() {
      await gateway.stop();
      await runner.close();
    },
  };
  return agents;
}

/** An open ask whether a command may run. */
export function permission(jobId: string, command: string, more: MessageInitShape<typeof AskSchema> = {}): Ask {
  const now = Date.now();
  return create(AskSchema, {
    id: randomId("ask"),
    createTime: timestampFromMs(now),
    expireTime: timestampFromMs(now + 3_600_000),
    jobId,
    state: AskState.OPEN,
    question: {
      case: "permission",
      value: { tool: "Bash", toolCallId: "t", inputJson: JSON.stringify({ command }), workspace: "/w" },
    },
    ...more,
  });
}

/** So many questions, each with two choices. */
export function form(count: number): Ask["question"] {
  const choices = ["a", "b"].map((label) => ({ label }));
  const questions = Array.from({ length: count }, (_, index) => ({ text: `q${index}`, choices }));
  return { case: "questions", value: create(QuestionAskSchema, { questions }) };
}

/** The question of a job that has spent its budget. */
export function budget(spentMicros: bigint, scope = BudgetScope.JOB): Ask["question"] {
  return { case: "budget", value: create(BudgetAskSchema, { spentMicros, limitMicros: spentMicros, scope }) };
}

/** Names an ask in a call. */
export function refTo({ jobId, id: askId }: Ask) {
  return { jobId, askId };
}

/** Yes. */
export const allow = { verdict: { case: "allow", value: {} } } as const;

/** No. */
export const deny = { verdict: { case: "deny", value: {} } } as const;
