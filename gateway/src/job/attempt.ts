/** The gateway's side of an attempt: start it on a runner, take its events, stop it, release it. */
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type AttemptEnded, type JobEvent, LogPositionSchema } from "#gen/job/v1/job_event_pb.js";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { StreamEventsRequestSchema } from "#gen/runner/v1/runner_service_pb.js";
import { findProblem } from "#protocol/problem.ts";
import { bringAttachments, type ReadAttachment } from "../attachment/attachments.ts";
import type { Started } from "../offer.ts";
import type { RunnerClient } from "../runner-client.ts";
import { ContractBroken, takeEvents } from "./event-intake.ts";
import { specInForce } from "./job-facts.ts";
import type { JobRecord } from "./job-record.ts";
import type { Frames, Holder } from "./job-store.ts";
import { backoffMs, type Lease } from "./lease.ts";

/** The parts an attempt is driven with. */
export interface AttemptParts {
  readonly record: JobRecord;
  readonly connect: (url: string) => Promise<RunnerClient>;
  readonly readAttachment: ReadAttachment;
  readonly lease: Lease;
  /** Where people find the Job; empty when nobody knows. */
  readonly jobUrl: () => string;
  /** Keeps what only the runner has, before that one forgets the attempt. What it throws has to be tried again. */
  readonly keep: (runner: RunnerClient, key: AttemptKey) => Promise<void>;
  /** Called whenever the runner that holds the attempt was found to be there. */
  readonly onReached: () => void;
}

/** How a runner's calls name an attempt. */
export interface AttemptKey {
  readonly jobId: string;
  readonly attempt: number;
}

/** The last try begins at most so long after the first; with its own 10 s that stays below the 15 s of an offer. */
const startWindowMs = 2_000;
/** Durable events are acknowledged at most so often. */
const ackEveryMs = 1_000;
const stopGraceMs = 10_000;

export class Attempt {
  readonly #parts: AttemptParts;
  #going: Promise<void> | undefined;
  #ackedMs = 0;

  constructor(parts: AttemptParts) {
    this.#parts = parts;
  }

  /** Sends StartJob until it is answered, for at most 12 s. Call it with the holder stored as `starting`. */
  async start(holder: Holder): Promise<Started> {
    const deadlineMs = Date.now() + startWindowMs;
    for (let retry = 0; ; retry += 1) {
      const started = await this.#startOnce(holder);
      if (started.kind !== "unanswered" || Date.now() > deadlineMs) return started;
      await pause(backoffMs(retry));
    }
  }

  /**
   * Takes the attempt's events until it is over, then releases it. Calling it again meanwhile is harmless; calling it in a
   * new life of the object takes up what the last one left off.
   */
  goOn(): Promise<void> {
    this.#going ??= this.#follow()
      .then(() => this.release())
      .finally(() => {
        this.#going = undefined;
      });
    return this.#going;
  }

  /** Tells the runner to stop the attempt, if anybody wants that. Telling it again is harmless. */
  async stop(): Promise<void> {
    const { holder, canceler: actor } = this.#parts.record.memory;
    if (holder?.phase !== "held" || actor === undefined) return;
    const runner = await this.#parts.connect(holder.url);
    const grace = { seconds: BigInt(stopGraceMs / 1000), nanos: 0 };
    await runner.stopJob({ ...this.#key(holder), cause: EndCause.CANCELED, actor, grace });
  }

  /** Asks something of the runner that holds the attempt. Throws UNAVAILABLE when none does. */
  async call<Result>(use: (runner: RunnerClient, key: AttemptKey) => Promise<Result>): Promise<Result> {
    const { holder } = this.#parts.record.memory;
    if (holder?.phase !== "held") throw new ConnectError("no runner holds the job", Code.Unavailable);
    return await use(await this.#parts.connect(holder.url), this.#key(holder));
  }

  /** Tells the runner that everything is stored here and that it may forget the attempt. */
  async release(): Promise<void> {
    const { holder } = this.#parts.record.memory;
    if (holder?.phase !== "released") return;
    const runner = await this.#parts.connect(holder.url);
    await this.#parts.keep(runner, this.#key(holder));
    await runner.releaseJob(this.#key(holder));
    this.#parts.record.setHolder(undefined);
  }

  /** Has the runner delete all that it keeps of the Job, also what outlives an attempt. */
  async forget(url: string, key: AttemptKey): Promise<void> {
    const runner = await this.#parts.connect(url);
    await runner.releaseJob({ ...key, forget: true });
  }

  /** Tells the runner, now and then, what is durable here. It is a hint: a lost one is made good by the next. */
  async acknowledge(storedSequence: number): Promise<void> {
    const { holder } = this.#parts.record.memory;
    if (holder?.phase !== "held" || Date.now() - this.#ackedMs < ackEveryMs) return;
    this.#ackedMs = Date.now();
    const runner = await this.#parts.connect(holder.url);
    await runner.ackEvents({ ...this.#key(holder), storedSequence });
  }

  async #startOnce(holder: Holder): Promise<Started> {
    const { record } = this.#parts;
    const spec = specInForce(record.memory.job);
    const { continues, continuesTurn } = record.memory.job;
    try {
      const runner = await this.#parts.connect(holder.url);
      if (spec !== undefined) await bringAttachments(spec, runner, this.#parts.readAttachment);
      await runner.startJob({
        ...this.#key(holder),
        ...(spec === undefined ? {} : { spec }),
        firstSequence: record.log.newest + 1,
        log: create(LogPositionSchema),
        runnerName: holder.runner,
        continues,
        continuesTurn,
        jobUrl: this.#parts.jobUrl(),
      });
      return { kind: "accepted" };
    } catch (error) {
      return startedFromError(ConnectError.from(error));
    }
  }

  async #follow(): Promise<void> {
    const { record, lease } = this.#parts;
    // Silence counts from here: while the gateway itself was down, it could not have heard anything.
    const silence = new Silence(lease, (suspect) => record.setSuspect(suspect));
    try {
      for (let retry = 0; ; retry += 1) {
        const { holder } = record.memory;
        if (holder?.phase !== "held") return;
        const { newest } = record.log;
        const end = await this.#takeStream(holder, silence).catch(asStreamEnd);
        if (record.memory.holder?.phase !== "held") return;
        const loss = lossFrom(end) ?? silence.lossAfter(lease.lostAfterMs);
        if (loss !== undefined) return this.#lose(`runner ${holder.runner} ${loss}`);
        if (record.log.newest !== newest) retry = 0;
        await pause(backoffMs(retry));
      }
    } finally {
      silence.stop();
    }
  }

  /** Reads one stream to its end. */
  async #takeStream(holder: Holder, silence: Silence): Promise<StreamEnd> {
    const { record, connect, onReached } = this.#parts;
    const runner = await connect(holder.url);
    const request = create(StreamEventsRequestSchema, { ...this.#key(holder), afterSequence: record.log.newest });
    const body = await runner.openEvents(request, silence.listen());
    const stopping = this.stop().catch(() => undefined);
    onReached();
    const error = await takeEvents(body, {
      onHeard: () => silence.break(),
      onFrames: (frames, notable) => this.#take(frames, notable),
      isOver: () => record.memory.holder?.phase !== "held",
    });
    await stopping;
    return error === undefined ? { kind: "ok" } : { kind: "error", error };
  }

  #take(frames: Frames, notable: readonly JobEvent[]): void {
    const ended = this.#parts.record.take(frames, notable);
    if (ended !== undefined) this.#end(ended);
  }

  #end({ outcome, result }: AttemptEnded): void {
    const { record } = this.#parts;
    // A runner newer than this gateway may know causes that this one does not.
    if (outcome === undefined || EndCause[outcome.cause] === undefined) {
      record.finishWith(
        EndCause.UNSPECIFIED,
        "the runner reported an end that this gateway does not know; update the gateway",
      );
    } else record.finish(outcome, result);
  }

  #lose(why: string): void {
    const message = `${why}; what it wrote until then is kept. Retry the job to run it again.`;
    this.#parts.record.finishWith(EndCause.RUNNER_LOST, message);
  }

  #key({ attempt }: Holder): AttemptKey {
    return { jobId: this.#parts.record.memory.job.id, attempt };
  }
}

/** Watches how long a runner has been silent, and aborts a stream that has been for too long. */
class Silence {
  readonly #lease: Lease;
  readonly #onSuspect: (suspect: boolean) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #stream = new AbortController();
  #heardMs = Date.now();

  constructor(lease: Lease, onSuspect: (suspect: boolean) => void) {
    this.#lease = lease;
    this.#onSuspect = onSuspect;
    this.#timer = setInterval(() => this.#check(), 1_000);
  }

  /** That it has lasted too long, in words; undefined while it has not. */
  lossAfter(ms: number): string | undefined {
    return this.#lastsMs > ms ? `has been silent for ${Math.round(this.#lastsMs / 1000)} s` : undefined;
  }

  /** The signal that ends the next stream, should it fall silent. */
  listen(): AbortSignal {
    this.#stream.abort();
    this.#stream = new AbortController();
    return this.#stream.signal;
  }

  /** The runner was heard. */
  break(): void {
    this.#heardMs = Date.now();
    this.#onSuspect(false);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stream.abort();
  }

  get #lastsMs(): number {
    return Date.now() - this.#heardMs;
  }

  #check(): void {
    if (this.#lastsMs > this.#lease.suspectAfterMs) this.#onSuspect(true);
    if (this.#lastsMs > this.#lease.silenceMs) this.#stream.abort(new Error(`silent for ${this.#lastsMs} ms`));
  }
}

/** How a stream came to its end. */
type StreamEnd =
  | { readonly kind: "ok" }
  | { readonly kind: "error"; readonly error: ConnectError }
  | { readonly kind: "broken-contract"; readonly why: string };

function asStreamEnd(error: unknown): StreamEnd {
  if (error instanceof ContractBroken) return { kind: "broken-contract", why: error.message };
  return { kind: "error", error: ConnectError.from(error) };
}

/** That the attempt cannot be followed any more, in words; undefined when the next stream may go on. */
function lossFrom(end: StreamEnd): string | undefined {
  switch (end.kind) {
    case "ok":
      return "ended the events without an end of the attempt";
    case "broken-contract":
      return `sent events that do not fit (${end.why})`;
    case "error":
      if (end.error.code === Code.NotFound) return "no longer holds it";
      return end.error.code === Code.OutOfRange ? "has lost events that it had sent" : undefined;
  }
}

function startedFromError(error: ConnectError): Started {
  const why = findProblem(error)?.reason ?? ProblemReason.UNSPECIFIED;
  const message = error.rawMessage;
  switch (why) {
    case ProblemReason.RUNNER_OFFLINE:
    case ProblemReason.UNSPECIFIED:
      return { kind: "unanswered", message };
    case ProblemReason.INVALID_FIELD:
    case ProblemReason.REQUEST_TOO_LARGE:
    case ProblemReason.REPOSITORY_REFUSED:
      return { kind: "impossible", cause: EndCause.UNSTARTABLE, message };
    case ProblemReason.SESSION_LOST:
      return { kind: "impossible", cause: EndCause.SESSION_LOST, message };
    default:
      return { kind: "refused", why, message };
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
