import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { GapReason } from "#gen/job/v1/job_event_pb.js";
import { WatchOutcome, type WatchVerdictSchema } from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { StreamEventsResponseSchema } from "#gen/runner/v1/runner_service_pb.js";
import { encodeEnvelope, messageFlag } from "#protocol/envelope.ts";
import { problemError } from "#protocol/problem.ts";
import type { SpoolEnd } from "./segments.ts";
import { findBatchAfter, SpoolReader } from "./spool-reader.ts";

/** A spool that may still grow. */
export interface GrowingSpool {
  readonly directory: { readonly spool: string };
  readonly firstSequence: number;
  readonly oldestSequence: number;
  readonly storedSequence: number;
  readonly end: SpoolEnd;
  /** True once it grows no more. */
  readonly ended: boolean;
  subscribe(listener: () => void): () => void;
}

/** How to stream. */
export interface EventStreamOptions {
  /** Number of the last event that the reader has; 0 for none. */
  readonly afterSequence: number;
  readonly heartbeatMs: number;
  /** Ends the stream early, without an error. */
  readonly signal: AbortSignal;
}

/**
 * Envelopes of StreamEventsResponses: a verdict on the cursor, the spooled batches as the bytes they are, then the live
 * ones, and heartbeats while there is nothing else. Pieces of batches may end inside an envelope. Ends after the last
 * batch of an ended attempt. A batch that the cursor lies in is sent whole: readers skip what they have. A piece is
 * overwritten once the next is asked for.
 */
export async function* streamEnvelopes(
  spool: GrowingSpool,
  options: EventStreamOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { afterSequence, heartbeatMs, signal } = options;
  yield encodeMessage({ case: "verdict", value: judgeCursor(spool, afterSequence) });
  const start = spool.end.bytes === 0 ? 0 : await findBatchAfter(spool.directory.spool, afterSequence, spool.end);
  using changes = new SpoolChanges(spool, signal);
  using reader = new SpoolReader(spool.directory.spool, start);
  while (!signal.aborted) {
    if (reader.position < spool.end.bytes) yield await reader.read(spool.end.bytes);
    else if (spool.ended) return;
    else if ((await changes.next(heartbeatMs)) === "none") yield heartbeat(spool);
  }
}

/** What a cursor is worth; throws OUT_OF_RANGE when it lies past the newest event. */
function judgeCursor(spool: GrowingSpool, afterSequence: number): MessageInitShape<typeof WatchVerdictSchema> {
  const { oldestSequence, storedSequence } = spool;
  const { newestSequence } = spool.end;
  if (afterSequence > newestSequence) {
    throw problemError({
      code: Code.OutOfRange,
      reason: ProblemReason.CURSOR_EXPIRED,
      field: "after_sequence",
      message: `after_sequence is ${afterSequence}, the newest event is ${newestSequence}`,
      action: "Ask again from an event that exists.",
    });
  }
  const next = Math.max(afterSequence + 1, spool.firstSequence);
  const verdict = { oldestSequence, newestSequence, storedSequence };
  if (oldestSequence <= next) return { outcome: WatchOutcome.OK, ...verdict };
  const gap = { fromSequence: next, toSequence: oldestSequence - 1, reason: GapReason.EXPIRED };
  return { outcome: WatchOutcome.GAP, gap, ...verdict };
}

/** Wakes one reader of a spool, which looks for itself what is new. */
class SpoolChanges implements Disposable {
  readonly #signal: AbortSignal;
  readonly #unsubscribe: () => void;
  readonly #onChange = () => this.#settle("some");
  #resolve: ((change: "some" | "none") => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(spool: GrowingSpool, signal: AbortSignal) {
    this.#signal = signal;
    this.#unsubscribe = spool.subscribe(this.#onChange);
    signal.addEventListener("abort", this.#onChange);
  }

  /** Waits until the spool changes, for so long, or until nobody wants to know any more. */
  next(maxMs: number): Promise<"some" | "none"> {
    if (this.#signal.aborted) return Promise.resolve("some");
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#timer = setTimeout(() => this.#settle("none"), maxMs);
    });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#unsubscribe();
    this.#signal.removeEventListener("abort", this.#onChange);
  }

  #settle(change: "some" | "none"): void {
    clearTimeout(this.#timer);
    this.#resolve?.(change);
    this.#resolve = undefined;
  }
}

function heartbeat({ end, storedSequence }: GrowingSpool): Uint8Array<ArrayBuffer> {
  const time = timestampFromMs(Date.now());
  return encodeMessage({ case: "heartbeat", value: { time, newestSequence: end.newestSequence, storedSequence } });
}

function encodeMessage(message: MessageInitShape<typeof StreamEventsResponseSchema>["message"] & object) {
  const response = create(StreamEventsResponseSchema, { message });
  return encodeEnvelope(messageFlag, toBinary(StreamEventsResponseSchema, response));
}
