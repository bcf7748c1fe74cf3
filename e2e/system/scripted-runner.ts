import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { RunnerInfoSchema } from "#gen/fleet/v1/runner_pb.js";
import type { Ask, Decision } from "#gen/job/v1/ask_pb.js";
import { type JobEvent, LogPositionSchema, type Message } from "#gen/job/v1/job_event_pb.js";
import type { Actor, PermissionMode } from "#gen/job/v1/job_pb.js";
import { DiffSchema } from "#gen/job/v1/job_service_pb.js";
import {
  RunnerService,
  type StartJobRequest,
  type StreamEventsResponse,
  StreamEventsResponseSchema,
} from "#gen/runner/v1/runner_service_pb.js";
import { eventAt, isNotable } from "#protocol/batch.ts";

/** What an event tells. */
export type Payload = Parameters<typeof eventAt>[1];

/** A call of the gateway's that steers a job. */
export type SteeringCall =
  | { readonly kind: "decide"; readonly jobId: string; readonly askId: string; readonly decision: Decision }
  | { readonly kind: "message"; readonly jobId: string; readonly message: Message }
  | { readonly kind: "mode"; readonly jobId: string; readonly mode: PermissionMode }
  | { readonly kind: "allowHost"; readonly jobId: string; readonly host: string; readonly actor: Actor | undefined };

/**
 * A runner whose attempts do what a test says: it writes their events and hears what the gateway passes on. It checks no
 * signatures. What it holds outlives its connections, as a real one's spool does.
 */
export class ScriptedRunner {
  /** Steering calls that it answered, in order. */
  readonly calls: SteeringCall[] = [];
  /** Answers the steering calls; throw to refuse one. */
  onCall: (call: SteeringCall) => void = () => {};
  /** Answers GetDiff; throw to refuse. */
  onDiff: () => MessageInitShape<typeof DiffSchema> = () => ({});
  readonly #attempts = new Map<string, ScriptedAttempt>();
  #server: Server | undefined;
  #port = 0;

  /** Listens, at the same port as before. */
  async open(): Promise<void> {
    const server = createServer(
      connectNodeAdapter({ routes: (router) => router.service(RunnerService, this.#service) }),
    );
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Cuts every connection and answers nobody, until it is opened again. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server?.close(() => resolve()));
    this.#server?.closeAllConnections();
    await closed;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The attempt of a job, once it was started. */
  async attempt(jobId: string): Promise<ScriptedAttempt> {
    const attempt = this.#attempts.get(jobId) ?? new ScriptedAttempt();
    this.#attempts.set(jobId, attempt);
    await attempt.started;
    return attempt;
  }

  readonly #service: Partial<ServiceImpl<typeof RunnerService>> = {
    getRunner: () => ({
      info: create(RunnerInfoSchema, {
        name: "vm-1",
        version: "1.0.0",
        slots: 100,
        executors: [{ name: "claude" }, { name: "task" }],
        attempts: [...this.#attempts].flatMap(([jobId, { isHeld }]) => (isHeld ? [{ jobId, attempt: 1 }] : [])),
      }),
    }),
    startJob: (request) => {
      const attempt = this.#attempts.get(request.jobId) ?? new ScriptedAttempt();
      this.#attempts.set(request.jobId, attempt);
      return { slot: 1, alreadyStarted: !attempt.start(request) };
    },
    streamEvents: ({ jobId, afterSequence }, { signal }) => this.#held(jobId).stream(afterSequence, signal),
    ackEvents: () => ({}),
    stopJob: ({ jobId }) => {
      this.#held(jobId).write({ case: "attemptEnded", value: { outcome: { cause: 4 } } });
      return {};
    },
    releaseJob: ({ jobId }) => {
      this.#attempts.get(jobId)?.release();
      return {};
    },
    getDiff: ({ jobId }) => {
      this.#held(jobId);
      return { diff: create(DiffSchema, this.onDiff()) };
    },
    decideAsk: ({ jobId, askId, decision }) => {
      if (decision === undefined) throw new ConnectError("no decision", Code.InvalidArgument);
      this.#answer({ kind: "decide", jobId, askId, decision });
      return {};
    },
    sendMessage: ({ jobId, message }) => {
      if (message === undefined) throw new ConnectError("no message", Code.InvalidArgument);
      this.#answer({ kind: "message", jobId, message });
      return { message };
    },
    setPermissionMode: ({ jobId, mode }) => {
      this.#answer({ kind: "mode", jobId, mode });
      return {};
    },
    allowHost: ({ jobId, host, actor }) => {
      this.#answer({ kind: "allowHost", jobId, host, actor });
      return {};
    },
  };

  #answer(call: SteeringCall): void {
    this.#held(call.jobId);
    this.onCall(call);
    this.calls.push(call);
  }

  #held(jobId: string): ScriptedAttempt {
    const attempt = this.#attempts.get(jobId);
    if (attempt?.isHeld !== true) throw new ConnectError("no such attempt", Code.NotFound);
    return attempt;
  }
}

/** An attempt and its events. */
export class ScriptedAttempt {
  readonly #events: JobEvent[] = [];
  readonly #start = Promise.withResolvers<StartJobRequest>();
  #first = 0;
  #isOver = false;
  #more = Promise.withResolvers<void>();

  get started(): Promise<StartJobRequest> {
    return this.#start.promise;
  }

  get isHeld(): boolean {
    return this.#first > 0 && !this.#isOver;
  }

  /** False when it runs already. */
  start(request: StartJobRequest): boolean {
    if (this.#first > 0) return false;
    this.#first = request.firstSequence;
    const placement = { runner: request.runnerName, slot: 1, attempt: request.attempt };
    this.write({ case: "stateChanged", value: { status: { state: 2 }, placement } });
    this.#start.resolve(request);
    return true;
  }

  /** Writes an event behind the others. */
  write(payload: Payload): void {
    this.#events.push(eventAt(Date.now(), payload));
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }

  /** Writes how an ask stands. */
  ask(ask: Ask): void {
    this.write({ case: "ask", value: ask });
  }

  release(): void {
    this.#isOver = true;
  }

  async *stream(afterSequence: number, signal: AbortSignal): AsyncGenerator<StreamEventsResponse> {
    yield response({ case: "verdict", value: { outcome: 1 } });
    let next = Math.max(afterSequence + 1, this.#first);
    while (!signal.aborted) {
      const event = this.#events[next - this.#first];
      if (event === undefined) {
        if (this.#events.at(-1)?.payload.case === "attemptEnded") return;
        const aborted = new Promise<void>((resolve) =>
          signal.addEventListener("abort", () => resolve(), { once: true }),
        );
        await Promise.race([this.#more.promise, aborted]);
        continue;
      }
      const header = { firstSequence: next, count: 1, log: create(LogPositionSchema), notable: isNotable(event) };
      yield response({ case: "batch", value: { header, events: [event] } });
      next += 1;
    }
  }
}

function response(message: NonNullable<MessageInitShape<typeof StreamEventsResponseSchema>["message"]>) {
  return create(StreamEventsResponseSchema, { message });
}
