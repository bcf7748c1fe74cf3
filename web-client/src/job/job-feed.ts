import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Ask } from "#gen/job/v1/ask_pb.js";
import {
  type AgentEvent,
  type EventBatch,
  type EventGap,
  GapReason,
  type JobEvent,
  type Message,
  MessageState,
  type StateChanged,
} from "#gen/job/v1/job_event_pb.js";
import type { Job } from "#gen/job/v1/job_pb.js";
import { type WatchJobResponse, WatchOutcome, type WatchVerdict } from "#gen/job/v1/job_service_pb.js";
import { Artifacts } from "../artifacts/artifacts.ts";
import { newerJob } from "../jobs/job-list.ts";
import { isFinal } from "../jobs/job-state.ts";
import type { LogSink } from "../log/log-sink.ts";
import { RefusedHosts } from "../network/refused-hosts.ts";
import { Transcript } from "../transcript/transcript.ts";
import { logEntries } from "./log-entries.ts";

/** An event is missing between two that came. The stream is opened again at the cursor, which refills it. */
export class MissingEventError extends Error {}

/** Everything the stream of one job has told so far. Taking the same events again changes nothing. */
export class JobFeed {
  readonly transcript = new Transcript();
  readonly refusedHosts = new RefusedHosts();
  readonly artifacts = new Artifacts();
  readonly #log: LogSink;
  readonly #asks = new Map<string, Ask>();
  readonly #messages = new Map<string, Message>();
  #job: Job | undefined;
  #sequence = 0;
  #newestSequence = 0;
  #lastEventMs = 0;
  #isFinal = false;
  #isStopping = false;
  #missedAfter: number | undefined;
  #output = { lines: 0, bytes: 0 };

  constructor(log: LogSink) {
    this.#log = log;
  }

  /** The job as last read, brought up to date by its events. */
  get job(): Job | undefined {
    return this.#job;
  }

  /** How much output was told of; of its newest chunk the first line counts. */
  get output(): { readonly lines: number; readonly bytes: number } {
    return this.#output;
  }

  /** The asks told of, each as it stands. While events are behind, one that seems open may be long closed. */
  get asks(): Iterable<Ask> {
    return this.#asks.values();
  }

  /** The messages told of, each as it stands. */
  get messages(): Iterable<Message> {
    return this.#messages.values();
  }

  /** Number of the last event taken: the cursor for opening the stream again. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Events that the gateway has and this feed has not. */
  get behind(): number {
    return Math.max(0, this.#newestSequence - this.#sequence);
  }

  /** When the last event happened; 0 before the first. */
  get lastEventMs(): number {
    return this.#lastEventMs;
  }

  /** True once the event that made the job final was taken. */
  get isFinal(): boolean {
    return this.#isFinal;
  }

  /** True once the job's processes are being stopped. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Takes the job as it was read by another call. */
  takeSnapshot(job: Job): void {
    this.#job = this.#job ? newerJob(this.#job, job) : job;
  }

  /** Takes one message of WatchJob. Throws MissingEventError when events before it are missing. */
  take({ message }: WatchJobResponse): void {
    switch (message.case) {
      case "verdict":
        this.#takeVerdict(message.value);
        break;
      case "heartbeat":
        this.#newestSequence = Math.max(this.#newestSequence, message.value.newestSequence);
        break;
      case "batch":
        this.#takeBatch(message.value);
        break;
      case undefined:
        break;
    }
  }

  #takeVerdict(verdict: WatchVerdict): void {
    this.#newestSequence = Math.max(this.#newestSequence, verdict.newestSequence);
    if (verdict.outcome === WatchOutcome.GAP && verdict.gap) this.#skip(verdict.gap);
    if (verdict.outcome === WatchOutcome.EXPIRED) {
      this.#warn("… the events of this job are no longer kept");
      this.#log.write({ kind: "end", hasFailed: false });
      this.#finish();
    }
  }

  #takeBatch({ header, events }: EventBatch): void {
    const first = header?.firstSequence ?? 0;
    if (first > this.#sequence + 1) this.#refillOnce(first);
    events.forEach((event, index) => {
      const sequence = first + index;
      if (sequence <= this.#sequence) return;
      this.#sequence = sequence;
      this.#takeEvent(event, sequence);
    });
    this.#newestSequence = Math.max(this.#newestSequence, this.#sequence);
  }

  /** A hole that is still there after the stream was opened again is shown, never hidden. */
  #refillOnce(first: number): void {
    if (this.#missedAfter !== this.#sequence) {
      this.#missedAfter = this.#sequence;
      throw new MissingEventError(`events ${this.#sequence + 1} to ${first - 1} are missing`);
    }
    this.#skip({ fromSequence: this.#sequence + 1, toSequence: first - 1, reason: GapReason.UNSPECIFIED });
  }

  #skip(gap: Pick<EventGap, "fromSequence" | "toSequence" | "reason">): void {
    const text = `… events ${gap.fromSequence} to ${gap.toSequence} are lost: ${gapReasons[gap.reason]}`;
    this.#log.write({ kind: "cut", stream: "both" });
    this.#warn(text);
    this.transcript.takeNotice(text, gap.fromSequence);
    this.#sequence = Math.max(this.#sequence, gap.toSequence);
  }

  #takeEvent(event: JobEvent, sequence: number): void {
    for (const entry of logEntries(event)) this.#log.write(entry);
    if (event.time) this.#lastEventMs = timestampMs(event.time);
    const { payload } = event;
    switch (payload.case) {
      case "agent":
        this.transcript.take(payload.value, sequence, event.time);
        this.#takeMode(payload.value, sequence);
        break;
      case "ask":
        this.#asks.set(payload.value.id, payload.value);
        this.transcript.takeAsk(payload.value);
        break;
      case "message":
        this.#takeMessage(payload.value);
        break;
      case "eventGap":
        this.#skip(payload.value);
        break;
      case "stateChanged":
        if (payload.value.status && isFinal(payload.value.status.state)) this.#finish();
        this.#update(sequence, (job) => stateChanged(job, payload.value));
        break;
      case "workspace":
        this.artifacts.take(payload.value);
        break;
      case "network":
        this.refusedHosts.take(payload.value);
        break;
      case "process":
        if (payload.value.event.case === "stopRequested") this.#isStopping = true;
        break;
      case "log":
        this.#output = {
          lines: Math.max(this.#output.lines, payload.value.firstLine),
          bytes: this.#output.bytes + payload.value.data.length,
        };
        break;
      case "phaseChanged":
        this.#update(sequence, (job) => ({ ...job, phase: payload.value.phase }));
        break;
    }
  }

  #warn(text: string): void {
    this.#log.write({ kind: "note", tone: "warn", text, timeMs: this.#lastEventMs });
  }

  #takeMessage(message: Message): void {
    this.#messages.set(message.id, message);
    // One that waits is shown where it can be withdrawn, and one that was withdrawn nowhere.
    if (message.state === MessageState.CONSUMED || message.state === MessageState.UNDELIVERED) {
      this.transcript.takeMessage(message);
    }
  }

  #takeMode({ event }: AgentEvent, sequence: number): void {
    if (event.case !== "permissionModeChanged") return;
    const { mode: permissionMode } = event.value;
    this.#update(sequence, (job) => ({ ...job, permissionMode }));
  }

  #finish(): void {
    this.#isFinal = true;
    this.transcript.finish();
  }

  /** Events that the job as read knows already are history and don't change it. */
  #update(sequence: number, change: (job: Job) => Job): void {
    if (this.#job && sequence > this.#job.newestSequence)
      this.#job = { ...change(this.#job), newestSequence: sequence };
  }
}

function stateChanged(job: Job, { status, placement }: StateChanged): Job {
  return { ...job, ...(status && { status }), ...(placement && { placement }) };
}

const gapReasons: Record<GapReason, string> = {
  [GapReason.UNSPECIFIED]: "they did not come",
  [GapReason.OUTPUT_LIMIT]: "the job wrote more than its limit",
  [GapReason.DISK_FULL]: "the runner's disk was full",
  [GapReason.RUNNER_LOST]: "the runner was lost with them",
  [GapReason.EXPIRED]: "they are no longer kept",
};
