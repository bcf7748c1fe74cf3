/** Brings what people decided and wrote to the runner that holds the Job, again and again until it has come back. */
import { Code, ConnectError } from "@connectrpc/connect";
import type { Message } from "#gen/job/v1/job_event_pb.js";
import type { RunnerClient } from "../runner-client.ts";
import type { JobRecord } from "./job-record.ts";

/** The parts a courier works with. */
export interface CourierParts {
  readonly record: JobRecord;
  readonly connect: (url: string) => Promise<RunnerClient>;
}

/** The attempt that is called. */
interface Line {
  readonly runner: RunnerClient;
  readonly key: { readonly jobId: string; readonly attempt: number };
}

export class Courier {
  readonly #parts: CourierParts;
  #delivering: Promise<void> | undefined;
  #isWanted = false;
  /** Messages go one after the other: the runner queues them as they come. */
  #lastMessage: Promise<unknown> = Promise.resolve();

  constructor(parts: CourierParts) {
    this.#parts = parts;
  }

  /** True while a runner shall get something. */
  get hasWork(): boolean {
    const { asks, messages } = this.#parts.record;
    return this.#isHeld && (asks.undelivered.length > 0 || messages.undelivered.length > 0);
  }

  /** Delivers what there is, once. What does not get through is delivered by the next call. */
  deliver(): Promise<void> {
    this.#isWanted = true;
    this.#delivering ??= this.#deliverAll().finally(() => {
      this.#delivering = undefined;
    });
    return this.#delivering;
  }

  /** Has the runner change or withdraw a message, and answers with what the runner says. Throws its refusal. */
  change(message: Message): Promise<Message> {
    return this.#inOrder(async () => {
      const line = await this.#open();
      // The runner can only change what it has.
      for (const waiting of this.#parts.record.messages.undelivered) await this.#give(line, waiting);
      return await this.#give(line, message);
    });
  }

  /** Calls the runner that holds the Job. Throws UNAVAILABLE when none does. */
  async call<Result>(use: (line: Line) => Promise<Result>): Promise<Result> {
    return await use(await this.#open());
  }

  async #deliverAll(): Promise<void> {
    while (this.#isWanted && this.hasWork) {
      this.#isWanted = false;
      const line = await this.#open();
      await Promise.allSettled([...this.#decisions(line), this.#inOrder(() => this.#messages(line))]);
    }
  }

  #decisions({ runner, key }: Line): readonly Promise<unknown>[] {
    return this.#parts.record.asks.undelivered.map((decided) => runner.decideAsk({ ...key, ...decided }));
  }

  async #messages(line: Line): Promise<void> {
    for (const message of this.#parts.record.messages.undelivered) {
      try {
        await this.#give(line, message);
      } catch (error) {
        if (ConnectError.from(error).code !== Code.FailedPrecondition) throw error;
        // It will never be taken: it stays queued, and is told as undelivered when the Job ends.
        this.#take(message);
      }
    }
  }

  async #give({ runner, key }: Line, message: Message): Promise<Message> {
    const { message: answered = message } = await runner.sendMessage({ ...key, message });
    // Its event may have come by now, and tell more.
    const known = this.#parts.record.messages.queued(message.id);
    if ("ok" in known) this.#take(answered);
    return answered;
  }

  #take(message: Message): void {
    const { record } = this.#parts;
    record.commit(() => record.messages.take(message));
  }

  #inOrder<Result>(use: () => Promise<Result>): Promise<Result> {
    const turn = this.#lastMessage.then(use, use);
    this.#lastMessage = turn;
    return turn;
  }

  async #open(): Promise<Line> {
    const { record, connect } = this.#parts;
    const { holder, job } = record.memory;
    if (holder?.phase !== "held") throw new ConnectError("no runner holds the job", Code.Unavailable);
    return { runner: await connect(holder.url), key: { jobId: job.id, attempt: holder.attempt } };
  }

  get #isHeld(): boolean {
    return this.#parts.record.memory.holder?.phase === "held";
  }
}
