import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Ask, AskSchema, AskState, type Decision } from "#gen/job/v1/ask_pb.js";
import { ActorKind, WaitingReason } from "#gen/job/v1/job_pb.js";
import { randomId } from "#protocol/id.ts";
import type { AskContext, AskQuestion, EventPayload } from "../executor/executor.ts";
import type { Waits } from "./waits.ts";

/** What the asks of an attempt need. */
export interface AsksOptions {
  readonly jobId: string;
  /** How long the gateway leaves an ask open. */
  readonly askMs: number;
  readonly emit: (payload: EventPayload) => void;
  readonly waits: Waits;
  /** The time in ms since 1970. */
  readonly now: () => number;
}

/**
 * The asks of an attempt that are open. Each is closed once: by its decision, which the gateway makes, also when nobody
 * answers in time, or because the agent takes it back or the attempt ends.
 */
export class Asks {
  readonly #options: AsksOptions;
  readonly #open = new Map<string, OpenAsk>();
  #isOver = false;

  constructor(options: AsksOptions) {
    this.#options = options;
  }

  /** Asks, and answers how it was decided; undefined when it was taken back, or the attempt ended before. */
  open(question: AskQuestion, { parentToolCallId, signal }: AskContext): Promise<Decision | undefined> {
    if (this.#isOver || signal.aborted) return Promise.resolve(undefined);
    const { jobId, askMs, now, waits } = this.#options;
    const createMs = now();
    const ask = create(AskSchema, {
      id: randomId("ask"),
      createTime: timestampFromMs(createMs),
      expireTime: timestampFromMs(createMs + askMs),
      jobId,
      state: AskState.OPEN,
      question,
      parentToolCallId,
    });
    const { promise, resolve } = Promise.withResolvers<Decision | undefined>();
    this.#write(ask);
    const reason = question.case === "budget" ? WaitingReason.BUDGET : WaitingReason.ASK;
    const withdraw = () => this.#close(ask.id, { state: AskState.WITHDRAWN });
    signal.addEventListener("abort", withdraw, { once: true });
    const endWait = waits.begin({ reason, untilMs: createMs + askMs });
    const release = () => {
      signal.removeEventListener("abort", withdraw);
      endWait();
    };
    this.#open.set(ask.id, { ask, release, resolve });
    return promise;
  }

  /** Passes on a decision of the gateway's. One that was made before, and one on an ask that is not open, changes nothing. */
  decide(askId: string, decision: Decision): void {
    const isExpiry = decision.actor?.kind === ActorKind.GATEWAY;
    this.#close(askId, { state: isExpiry ? AskState.EXPIRED : AskState.DECIDED, decision });
  }

  /** Withdraws what is open; from now on nobody is asked. */
  close(): void {
    this.#isOver = true;
    for (const id of this.#open.keys()) this.#close(id, { state: AskState.WITHDRAWN });
  }

  #close(id: string, end: { state: AskState; decision?: Decision }): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#open.delete(id);
    this.#write(create(AskSchema, { ...open.ask, ...end }));
    open.release();
    open.resolve(end.decision);
  }

  #write(ask: Ask): void {
    this.#options.emit({ case: "ask", value: ask });
  }
}

interface OpenAsk {
  readonly ask: Ask;
  /** Ends the waiting for it. */
  readonly release: () => void;
  readonly resolve: (decision: Decision | undefined) => void;
}
