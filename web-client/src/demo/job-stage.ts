import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Ask, AskSchema, AskState, type Decision } from "#gen/job/v1/ask_pb.js";
import { type AgentEventSchema, LogStream, MessageState, type PlanItemState } from "#gen/job/v1/job_event_pb.js";
import {
  ActorKind,
  EndCause,
  JobPhase,
  JobState,
  type OutcomeSchema,
  UsageSchema,
  WaitingReason,
} from "#gen/job/v1/job_pb.js";
import type { DemoJob, World } from "./world.ts";

/** What one job does, from its first line to its end. */
export type Act = (stage: JobStage) => Promise<Ending>;

/** How a job ends. */
export type Ending = { readonly result?: string } & MessageInitShape<typeof OutcomeSchema>;

/** Thrown into an act whose job is stopped. */
class Stopped extends Error {}

const askLimitMs = 10 * 60_000;
const model = "claude-sonnet-4-5";

/** Where an act plays its job. Time that already passed costs nothing: a job of yesterday is played at once. */
export class JobStage {
  readonly #world: World;
  readonly #entry: DemoJob;
  #timeMs: number;
  #bytes = 0n;
  #lines = 0;
  #turns = 0;

  constructor(world: World, entry: DemoJob, timeMs: number) {
    this.#world = world;
    this.#entry = entry;
    this.#timeMs = timeMs;
  }

  get chance() {
    return this.#world.chance;
  }

  /** Plays the job on a runner's slot, to its end. */
  async perform({ runner, slot }: { readonly runner: string; readonly slot: number }): Promise<void> {
    const entry = this.#entry;
    const placement = { runner, slot, attempt: 1 };
    this.#world.change(entry, {
      placement: { $typeName: "blazecraft.job.v1.Placement", ...placement, unconfined: false },
      phase: JobPhase.EXECUTING,
      startTime: timestampFromMs(this.#timeMs),
    });
    this.#world.setStatus(entry, this.#timeMs, { state: JobState.RUNNING });
    const ending = await this.#play();
    const { result = "", ...outcome } = ending;
    this.#world.change(entry, {
      endTime: timestampFromMs(this.#timeMs),
      result,
      openAsks: 0,
      log: { $typeName: "blazecraft.job.v1.LogTotals", bytes: this.#bytes, lines: this.#lines },
    });
    this.#withdrawAsks();
    this.emit({ case: "process", value: { event: { case: "exited", value: { exitCode: outcome.exitCode ?? 0 } } } });
    const detail = { case: "outcome", value: outcome } as const;
    this.#world.setStatus(entry, this.#timeMs, { state: finalState(outcome.cause), detail });
    this.#world.dispatch();
  }

  async #play(): Promise<Ending> {
    try {
      return await this.#entry.act(this);
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      this.emit({ case: "process", value: { event: { case: "signalSent", value: { signal: "SIGTERM" } } } });
      return { cause: EndCause.CANCELED, signal: "SIGTERM", actor: { kind: ActorKind.CALLER, id: "you" } };
    }
  }

  emit(payload: Parameters<World["emit"]>[2]): void {
    this.#world.emit(this.#entry, this.#timeMs, payload);
  }

  /** Lets time pass. */
  async pause(ms: number): Promise<void> {
    const { signal } = this.#entry.stop;
    this.#timeMs += ms;
    const aheadMs = this.#timeMs - Date.now();
    if (aheadMs > 0) {
      await sleep(aheadMs / this.#world.speed, signal);
      this.#timeMs = Date.now();
    }
    if (signal.aborted) throw new Stopped();
  }

  /** Writes lines of output; the last one needs no end. */
  write(text: string, stream: LogStream = LogStream.STDOUT): void {
    const data = new TextEncoder().encode(text.endsWith("\n") ? text : `${text}\n`);
    const firstLine = this.#lines + 1;
    this.#lines += data.reduce((count, byte) => (byte === 10 ? count + 1 : count), 0);
    this.emit({ case: "log", value: { stream, offset: this.#bytes, firstLine, data } });
    this.#bytes += BigInt(data.length);
  }

  /** Does what only an agent does. */
  agent(event: MessageInitShape<typeof AgentEventSchema>["event"], parentToolCallId = ""): void {
    this.emit({ case: "agent", value: { event: event ?? { case: undefined }, parentToolCallId } });
  }

  /** Begins an agent's session. */
  begin(): void {
    this.agent({ case: "session", value: { sessionId: this.chance.id("ses_"), model, agentVersion: "2.1.330" } });
  }

  /** Says or thinks something, word by word. */
  async say(text: string, kind: "text" | "thinking" = "text"): Promise<void> {
    const messageId = this.chance.id("msg_");
    for (const words of text.match(/(?:\S+\s*){1,4}/g) ?? []) {
      this.agent({ case: "delta", value: { messageId, index: 0, content: { case: kind, value: words } } });
      await this.pause(60);
    }
    this.agent({ case: kind, value: { messageId, index: 0, text } });
    this.spend(900, text.length);
  }

  /** Calls a tool and gets its result. */
  async use(tool: string, input: object, answer: { text: string; ms?: number; isError?: boolean }): Promise<void> {
    const id = this.chance.id("toolu_");
    this.agent({ case: "toolCall", value: { id, tool, inputJson: JSON.stringify(input) } });
    await this.pause(answer.ms ?? 600);
    const { text, isError = false } = answer;
    this.agent({ case: "toolResult", value: { toolCallId: id, text, isError } });
    this.spend(1_400, 120);
    this.#takeMessages();
  }

  /** Shows the to-do list. */
  plan(items: readonly (readonly [text: string, state: PlanItemState])[]): void {
    this.agent({ case: "plan", value: { items: items.map(([text, state]) => ({ text, state })) } });
  }

  /** Asks a person, and waits for the decision; undefined when none came in time. */
  async ask(question: MessageInitShape<typeof AskSchema>["question"]): Promise<Decision | undefined> {
    const asked = create(AskSchema, {
      id: this.chance.id("ask_"),
      createTime: timestampFromMs(this.#timeMs),
      expireTime: timestampFromMs(Date.now() + askLimitMs),
      jobId: this.#entry.id,
      state: AskState.OPEN,
      question: question ?? { case: undefined },
    });
    this.#world.change(this.#entry, { openAsks: this.#entry.job.openAsks + 1 });
    this.#world.setAsk(this.#entry, asked);
    const waiting = { case: "waiting", value: { reason: WaitingReason.ASK } } as const;
    this.#world.setStatus(this.#entry, this.#timeMs, { state: JobState.WAITING, detail: waiting });
    const closed = await this.#untilClosed(asked.id);
    this.#timeMs = Date.now();
    this.#world.change(this.#entry, { openAsks: Math.max(0, this.#entry.job.openAsks - 1) });
    if (this.#entry.job.openAsks === 0) this.#world.setStatus(this.#entry, this.#timeMs, { state: JobState.RUNNING });
    return closed.decision;
  }

  /** Ends a turn of the agent. */
  endTurn(text: string, tookMs: number): void {
    const usage = this.#entry.job.usage ?? create(UsageSchema);
    const value = { kind: "success", text, turns: ++this.#turns, duration: durationFromMs(tookMs), usage };
    this.agent({ case: "turnResult", value });
  }

  /** Takes tokens of the model. */
  spend(inputTokens: number, outputTokens: number): void {
    const held = this.#entry.job.usage ?? create(UsageSchema);
    const usage = create(UsageSchema, {
      inputTokens: held.inputTokens + BigInt(inputTokens),
      outputTokens: held.outputTokens + BigInt(outputTokens),
      cacheReadTokens: held.cacheReadTokens + 6_200n,
      costMicros: held.costMicros + BigInt(inputTokens * 3 + outputTokens * 15 + 1_860),
      requests: held.requests + 1,
    });
    const byModel = [{ $typeName: "blazecraft.job.v1.ModelUsage" as const, model, usage }];
    this.#world.change(this.#entry, { usage, usageByModel: byModel });
  }

  /** Says what changed in the workspace. */
  leave(diff: NonNullable<DemoJob["diff"]>): void {
    this.#entry.diff = diff;
    const { stat } = diff;
    if (!stat) return;
    this.#world.change(this.#entry, { diffstat: stat, baseCommit: diff.baseCommit });
    this.emit({ case: "workspace", value: { event: { case: "diffstat", value: stat } } });
  }

  /** Forgets the events so far, as a runner does that may keep no more. */
  lose(gap: NonNullable<DemoJob["gap"]>): void {
    this.#entry.gap = gap;
  }

  #takeMessages(): void {
    for (const [index, message] of this.#entry.messages.entries()) {
      if (message.state !== MessageState.QUEUED) continue;
      const taken = { ...message, state: MessageState.CONSUMED };
      this.#entry.messages[index] = taken;
      this.emit({ case: "message", value: taken });
    }
  }

  async #untilClosed(askId: string): Promise<Ask> {
    const { signal } = this.#entry.stop;
    for (;;) {
      if (signal.aborted) throw new Stopped();
      const held = this.#world.asks.get(askId);
      if (held && held.state !== AskState.OPEN) return held;
      const leftMs = held?.expireTime ? Number(held.expireTime.seconds) * 1_000 - Date.now() : askLimitMs;
      if (held && leftMs <= 0) this.#world.setAsk(this.#entry, { ...held, state: AskState.EXPIRED });
      else await this.#world.bell.heard(signal, leftMs);
    }
  }

  #withdrawAsks(): void {
    for (const ask of this.#world.asks.values()) {
      if (ask.jobId === this.#entry.id && ask.state === AskState.OPEN) {
        this.#world.setAsk(this.#entry, { ...ask, state: AskState.WITHDRAWN });
      }
    }
  }
}

function finalState(cause: EndCause = EndCause.COMPLETED): JobState {
  if (cause === EndCause.COMPLETED) return JobState.SUCCEEDED;
  if (cause === EndCause.CANCELED) return JobState.CANCELED;
  return cause >= EndCause.WALL_TIMEOUT && cause <= EndCause.ASK_TIMEOUT ? JobState.TIMED_OUT : JobState.FAILED;
}

/** Settles after a time, or at once when the signal aborts. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => done(), ms);
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
