import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { type EventBatch, GapReasonSchema, type LogStream } from "#gen/job/v1/job_event_pb.js";
import {
  type Heartbeat,
  type JobService,
  type WatchJobResponse,
  WatchOutcome,
  type WatchVerdict,
} from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { endsOutput, LineAssembler, type LogItem } from "#protocol/log-lines.ts";
import { problemError } from "#protocol/problem.ts";
import { parseCursor, partId, type StreamCursor } from "./cursor.ts";
import { acceptedFormat, streamResponse } from "./event-stream.ts";
import { jobEventToStream, type StreamEvent } from "./events.ts";
import { isFinal } from "./job-json.ts";
import { enumToJson, timeToJson } from "./json.ts";
import { problemToJson } from "./problem-json.ts";
import { Query } from "./query.ts";
import { present, type RestCall, type Route } from "./route.ts";

/** The route that streams what happens to one job. */
export const jobStreamRoute: Route = { method: "GET", path: "/api/jobs/:id/events", handle: streamJob };

async function streamJob(call: RestCall): Promise<Response> {
  new Query(call.url.searchParams, ["after"]);
  const cursor = parseCursor(call.request);
  const job = present((await call.jobs.getJob({ id: call.id })).job, "job");
  const hasAll = cursor.parts === 0 && cursor.sequence > 0 && cursor.sequence === job.newestSequence;
  // An EventSource that comes back after the end stays away when it gets this.
  if (hasAll && isFinal(job.status?.state)) return new Response(null, { status: 204 });
  const stop = new AbortController();
  const signal = AbortSignal.any([call.request.signal, stop.signal]);
  const stream = new JobStream({ jobs: call.jobs, id: call.id, cursor, signal, requestId: call.requestId });
  const batches = await stream.open();
  return streamResponse(batches, { format: acceptedFormat(call.request), stop: () => stop.abort() });
}

/** What a JobStream needs. */
export interface JobStreamOptions {
  readonly jobs: Client<typeof JobService>;
  readonly id: string;
  readonly cursor: StreamCursor;
  readonly signal: AbortSignal;
  readonly requestId: string;
}

/** A job's events after a cursor as events of a stream, output as whole lines. */
export class JobStream {
  readonly #options: JobStreamOptions;
  /** The last event the reader has whole. */
  readonly #after: number;
  #lines = new LineAssembler();

  constructor(options: JobStreamOptions) {
    const { sequence, parts } = options.cursor;
    this.#options = options;
    this.#after = parts > 0 ? sequence - 1 : sequence;
  }

  /** Begins to watch. Rejects when the job or the cursor is refused; what goes wrong later is told in the stream. */
  async open(): Promise<AsyncIterable<readonly StreamEvent[]>> {
    const messages = this.#watch(this.#after)[Symbol.asyncIterator]();
    return this.#translateAll(await messages.next(), messages);
  }

  async *#translateAll(first: IteratorResult<WatchJobResponse>, messages: AsyncIterator<WatchJobResponse>) {
    try {
      for (let next = first; next.done !== true; next = await messages.next()) yield await this.#translate(next.value);
    } catch (error) {
      if (this.#options.signal.aborted) return;
      yield [this.#problem(ConnectError.from(error, Code.Unavailable))];
    }
  }

  async #translate({ message }: WatchJobResponse): Promise<readonly StreamEvent[]> {
    switch (message.case) {
      case "verdict":
        return this.#verdict(message.value);
      case "heartbeat":
        return [heartbeat(message.value)];
      case "batch":
        return await this.#batch(message.value);
      case undefined:
        return [];
    }
  }

  #verdict({ outcome, gap, newestSequence }: WatchVerdict): readonly StreamEvent[] {
    if (outcome === WatchOutcome.EXPIRED) return [this.#problem(cursorExpired(newestSequence))];
    if (outcome !== WatchOutcome.GAP || gap === undefined) return [];
    this.#lines.finish(gap.toSequence);
    const { fromSequence: from, toSequence: to, reason } = gap;
    return [{ name: "gap", id: String(to), data: { from, to, reason: enumToJson(GapReasonSchema, reason) } }];
  }

  async #batch({ header, events }: EventBatch): Promise<readonly StreamEvent[]> {
    this.#lines.place(header?.log);
    const out: StreamEvent[] = [];
    for (const [index, event] of events.entries()) {
      const sequence = (header?.firstSequence ?? 0) + index;
      const unseen = endsOutput(event) ? this.#lines.unseen : [];
      const items = this.#lines.push(sequence, event);
      const isWhole = !isHeadless(this.#lines, items) && !(await this.#leftLineOpen(unseen));
      const whole = isWhole ? items : await this.#readAgain(sequence);
      const parts = jobEventToStream(sequence, event, whole);
      const named = parts.map((part, at) => ({ ...part, id: partId(sequence, at + 1, parts.length) }));
      out.push(...named.slice(this.#partsSeen(sequence)));
    }
    return out;
  }

  /** How much of an event the reader had before it came back. */
  #partsSeen(sequence: number): number {
    const { cursor } = this.#options;
    return sequence === cursor.sequence ? cursor.parts : 0;
  }

  /** True when the last line of one of these streams has no end. */
  async #leftLineOpen(streams: readonly LogStream[]): Promise<boolean> {
    const { jobs, id, signal } = this.#options;
    const last = await Promise.all(streams.map((stream) => jobs.readLog({ id, stream, tail: 1 }, { signal })));
    return last.some(({ lines }) => lines[0]?.partial);
  }

  /**
   * The lines that an event completes, when one of them began before this reader came in: older events are read again,
   * from further and further back, until the line's beginning is among them.
   */
  async #readAgain(sequence: number): Promise<readonly LogItem[]> {
    for (let reach = 64; ; reach *= 8) {
      const from = Math.max(0, this.#after - reach);
      const { lines, items, isWhole } = await this.#replay(from, sequence);
      if (!isWhole && from > 0) continue;
      this.#lines = lines;
      return items;
    }
  }

  async #replay(from: number, until: number): Promise<Replay> {
    const lines = new LineAssembler();
    const enough = new AbortController();
    const signal = AbortSignal.any([this.#options.signal, enough.signal]);
    try {
      for await (const { message } of this.#watch(from, signal)) {
        if (message.case === "verdict" && message.value.outcome === WatchOutcome.GAP) lines.finish(from);
        if (message.case !== "batch") continue;
        const { header, events } = message.value;
        lines.place(header?.log);
        for (const [index, event] of events.entries()) {
          const sequence = (header?.firstSequence ?? 0) + index;
          const isWhole = !endsOutput(event) || lines.unseen.length === 0;
          const items = lines.push(sequence, event);
          if (sequence === until) return { lines, items, isWhole: isWhole && !isHeadless(lines, items) };
        }
      }
      throw new ConnectError(`event ${until} is no longer there`, Code.Unavailable);
    } finally {
      enough.abort();
    }
  }

  #watch(afterSequence: number, signal = this.#options.signal): AsyncIterable<WatchJobResponse> {
    return this.#options.jobs.watchJob({ id: this.#options.id, afterSequence }, { signal });
  }

  #problem(error: ConnectError): StreamEvent {
    return { name: "problem", data: problemToJson(error, this.#options.requestId) };
  }
}

/** Older events read again up to one of them: what it completes, and whether every beginning was seen. */
interface Replay {
  readonly lines: LineAssembler;
  readonly items: readonly LogItem[];
  readonly isWhole: boolean;
}

function heartbeat({ time, newestSequence }: Heartbeat): StreamEvent {
  return { name: "heartbeat", data: { ts: timeToJson(time), last_seq: newestSequence } };
}

/** True when the beginning of a line is missing, be it done or still open. */
function isHeadless(lines: LineAssembler, items: readonly LogItem[]): boolean {
  return lines.hasHeadless || items.some((item) => item.kind === "line" && item.headless);
}

function cursorExpired(newestSequence: number): ConnectError {
  return problemError({
    code: Code.OutOfRange,
    reason: ProblemReason.CURSOR_EXPIRED,
    message: "nothing after this place is kept any more",
    action: `Read the job itself; its newest event was number ${newestSequence}.`,
  });
}
