import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { JobState, type JobStatusSchema, WaitingReason } from "#gen/job/v1/job_pb.js";

/** Something that an attempt waits for. */
export interface Wait {
  readonly reason: WaitingReason;
  /** When it ends by itself, in ms since 1970; undefined when it does not. */
  readonly untilMs: number | undefined;
}

/** A status as it goes into StateChanged. */
export type StatusInit = MessageInitShape<typeof JobStatusSchema>;

/** What Waits tells. */
export interface WaitsOptions {
  /** The attempt waits, waits for something else, or goes on. */
  readonly onStatus: (status: StatusInit) => void;
}

/** What an attempt waits for, several things at a time. While there is one it is WAITING; each change of that is told once. */
export class Waits {
  readonly #options: WaitsOptions;
  readonly #open = new Set<Wait>();
  #shown: Wait | undefined;

  constructor(options: WaitsOptions) {
    this.#options = options;
  }

  /** True while the attempt makes no progress. */
  get isWaiting(): boolean {
    return this.#open.size > 0;
  }

  /** Begins to wait; answers how to end that. */
  begin(wait: Wait): () => void {
    const own = { ...wait };
    this.#open.add(own);
    this.#tell();
    return () => {
      if (this.#open.delete(own)) this.#tell();
    };
  }

  #tell(): void {
    const wait = foremost([...this.#open]);
    if (wait?.reason === this.#shown?.reason && wait?.untilMs === this.#shown?.untilMs) return;
    this.#shown = wait;
    this.#options.onStatus(wait === undefined ? { state: JobState.RUNNING } : waitingStatus(wait));
  }
}

/** What is shown of several: what a person can do something about, until the last of its kind ends. */
function foremost(waits: readonly Wait[]): Wait | undefined {
  const reason = precedence.find((candidate) => waits.some((wait) => wait.reason === candidate));
  if (reason === undefined) return undefined;
  const ends = waits.filter((wait) => wait.reason === reason).map(({ untilMs }) => untilMs ?? Number.POSITIVE_INFINITY);
  const last = Math.max(...ends);
  return { reason, untilMs: Number.isFinite(last) ? last : undefined };
}

const precedence = [WaitingReason.BUDGET, WaitingReason.ASK, WaitingReason.INPUT, WaitingReason.RATE_LIMIT];

function waitingStatus({ reason, untilMs }: Wait): StatusInit {
  const value = { reason, ...(untilMs === undefined ? {} : { until: timestampFromMs(untilMs) }) };
  return { state: JobState.WAITING, detail: { case: "waiting", value } };
}
