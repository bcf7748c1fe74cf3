import { readFileSync } from "node:fs";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Ask, DecisionSchema } from "#gen/job/v1/ask_pb.js";
import type { AgentEvent, JobEvent, Message } from "#gen/job/v1/job_event_pb.js";
import { ActorKind, type AgentWorkSchema, type JobLimitsSchema } from "#gen/job/v1/job_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { type Model, startModel } from "../../e2e/model/model.ts";
import { inOrder, type Script } from "../../e2e/model/script.ts";
import { refusal, type Turn } from "../../e2e/model/turn.ts";
import { sessionIdOf } from "../src/executor/claude/session-id.ts";
import { endOf, followJob, type NumberedEvent, startRequest } from "./jobs.ts";
import { startRunner, type TestRunner } from "./start-runner.ts";

/** A job for an agent, with what its model says. */
export interface AgentJobInit {
  readonly turns: readonly Turn[];
  readonly subagent?: readonly Turn[];
  readonly work?: Partial<MessageInitShape<typeof AgentWorkSchema>>;
  readonly limits?: MessageInitShape<typeof JobLimitsSchema>;
  readonly repoRef?: string;
}

/** Starts a model, and a runner whose agents use it. */
export async function openAgentRunner(
  dataDirectory: string,
  more: Readonly<Record<string, string>> = {},
): Promise<AgentRunner> {
  const scripts = new Map<string, Script>();
  const model = await startModel({
    script: (request) => scripts.get(request.session)?.(request) ?? refusal(403, "permission_error"),
  });
  const env = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "sk-test", ...more };
  return new AgentRunner({ model, scripts, env, dataDirectory, runner: await startRunner(dataDirectory, env) });
}

interface AgentRunnerParts {
  readonly model: Model;
  /** By session. */
  readonly scripts: Map<string, Script>;
  readonly env: Readonly<Record<string, string>>;
  readonly dataDirectory: string;
  readonly runner: TestRunner;
}

/** A real runner, the real Claude Code, and a model that plays scripts. */
export class AgentRunner implements AsyncDisposable {
  readonly #parts: AgentRunnerParts;
  #runner: TestRunner;

  constructor(parts: AgentRunnerParts) {
    this.#parts = parts;
    this.#runner = parts.runner;
  }

  get client() {
    return this.#runner.client;
  }

  get model(): Model {
    return this.#parts.model;
  }

  /** Ends the runner by a signal and starts another in its place. */
  async restart(signal: NodeJS.Signals): Promise<void> {
    const { dataDirectory, env } = this.#parts;
    await this.#runner.stop(signal);
    this.#runner = await startRunner(dataDirectory, env);
  }

  /** A request that starts such a job. */
  request({ turns, subagent = [], work, ...spec }: AgentJobInit): StartJobRequest {
    const value = { agent: "claude", prompt: "Go.", ...work } as MessageInitShape<typeof AgentWorkSchema>;
    const request = startRequest("", { work: { case: "agent", value }, ...spec });
    this.#parts.scripts.set(sessionIdOf(request.jobId), inOrder({ main: turns, subagent }));
    return request;
  }

  async start(job: AgentJobInit): Promise<StartJobRequest> {
    const request = this.request(job);
    await this.client.startJob(request);
    return request;
  }

  /** Follows a job to its end. */
  async finish(request: StartJobRequest) {
    const events = await followJob(this.client, request);
    return { events, end: endOf(events), did: agentEvents(events), ...this.traces(request) };
  }

  async run(job: AgentJobInit) {
    return this.finish(await this.start(job));
  }

  /** What a job did to the world: its requests of the model, and files of its workspace. */
  traces({ jobId }: StartJobRequest) {
    const requests = this.model.requests.filter(({ call }) => call?.session === sessionIdOf(jobId));
    const file = (name: string) => readFileSync(`${this.#parts.dataDirectory}/jobs/${jobId}/workspace/${name}`, "utf8");
    return { requests, file };
  }

  /** The events so far, once they hold what is waited for. */
  until(request: StartJobRequest, enough: (events: readonly NumberedEvent[]) => boolean): Promise<NumberedEvent[]> {
    return followJob(this.client, request, { enough });
  }

  /** The ask of this number, from 0, once it is open. */
  async ask(request: StartJobRequest, index = 0): Promise<Ask> {
    const ids = (events: readonly JobEvent[]) => [...new Set(asks(events).map(({ id }) => id))];
    const events = await this.until(request, (seen) => ids(seen).length > index);
    const id = ids(events)[index];
    const ask = asks(events).find((seen) => seen.id === id);
    if (ask === undefined) throw new Error(`the job ended with fewer than ${index + 1} asks`);
    return ask;
  }

  /** Decides an ask as ana. */
  async decide(
    { jobId, attempt }: StartJobRequest,
    { id: askId }: Pick<Ask, "id">,
    verdict: MessageInitShape<typeof DecisionSchema>["verdict"],
  ): Promise<void> {
    await this.client.decideAsk({ jobId, attempt, askId, decision: { actor: ana, ...(verdict && { verdict }) } });
  }

  /** Sends a message, changes it or takes it back, as its state says. */
  async send({ jobId, attempt }: StartJobRequest, message: Message): Promise<Message | undefined> {
    return (await this.client.sendMessage({ jobId, attempt, message })).message;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runner.stop("SIGINT");
    await this.model.close();
  }
}

/** Whoever the tests act for. */
export const ana = { kind: ActorKind.CALLER, id: "ana" };

/** What an agent did. */
export function agentEvents(events: readonly JobEvent[]): readonly AgentEvent[] {
  return events.flatMap(({ payload }) => (payload.case === "agent" ? [payload.value] : []));
}

/** Asks, each as often as it changed. */
export function asks(events: readonly JobEvent[]): readonly Ask[] {
  return events.flatMap(({ payload }) => (payload.case === "ask" ? [payload.value] : []));
}

/** Messages, each as often as it changed. */
export function messages(events: readonly JobEvent[]): readonly Message[] {
  return events.flatMap(({ payload }) => (payload.case === "message" ? [payload.value] : []));
}

type AgentCase = NonNullable<AgentEvent["event"]["case"]>;
type ValueOf<Name extends AgentCase> = Extract<AgentEvent["event"], { case: Name }>["value"];

/** The values of one kind of what an agent did. */
export function valuesOf<Name extends AgentCase>(events: readonly AgentEvent[], name: Name): ValueOf<Name>[] {
  return events.flatMap(({ event }) => (event.case === name ? [event.value as ValueOf<Name>] : []));
}
