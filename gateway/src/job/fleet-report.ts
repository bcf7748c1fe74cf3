/** Keeps what the fleet knows of a Job and its asks up to date, in order. */
import type { Job, PendingDetail } from "#gen/job/v1/job_pb.js";
import type { Conversation } from "./conversation.ts";
import type { JobRecord } from "./job-record.ts";

/** What reports are made of. */
export interface FleetReportParts {
  readonly record: JobRecord;
  readonly conversation: Conversation;
  /** Tells the fleet of a revision, and hears why the Job waits if it does. */
  readonly report: (job: Job) => Promise<PendingDetail | undefined>;
  /** A report failed; `send` has to be called again. */
  readonly onFailed: () => Promise<void>;
}

export class FleetReport {
  readonly #parts: FleetReportParts;
  #sending: Promise<void> | undefined;

  constructor(parts: FleetReportParts) {
    this.#parts = parts;
  }

  /** True when the fleet does not know the Job or its asks as they stand. */
  get isDue(): boolean {
    const { memory, asks } = this.#parts.record;
    return memory.indexedRevision !== memory.job.revision || asks.unindexed.length > 0;
  }

  /** Settles once the fleet knows everything, or could not be told. */
  send(): Promise<void> {
    this.#sending ??= this.#sendAll()
      .catch(() => this.#parts.onFailed())
      .finally(() => {
        this.#sending = undefined;
      });
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    const { record, conversation, report } = this.#parts;
    while (this.isDue) {
      const job = record.view();
      if (job.revision !== record.memory.indexedRevision) {
        const pending = await report(job);
        if (pending !== undefined) record.setPending(pending);
        record.setIndexedRevision(job.revision);
      }
      await conversation.report();
    }
  }
}
