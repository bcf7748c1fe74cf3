import { fromBinary } from "@bufbuild/protobuf";
import { JobState } from "#gen/job/v1/job_pb.js";
import { WatchJobResponseSchema } from "#gen/job/v1/job_service_pb.js";
import { EnvelopeSplitter, envelopeFlags, envelopeMessage, messageFlag } from "#protocol/envelope.ts";

/** Reads a watch, hands on what the job wrote, and says when its agent did something. Throws when an event is missing or comes twice. */
export class BatchReader {
  readonly #listener: (data: Uint8Array) => void;
  readonly #onAgent: () => void;
  readonly #splitter = new EnvelopeSplitter();
  #next = 1;
  #end = { state: JobState.UNSPECIFIED, cause: "" };
  #isOver = false;

  constructor(listener: (data: Uint8Array) => void, onAgent: () => void) {
    this.#listener = listener;
    this.#onAgent = onAgent;
  }

  /** Takes bytes of the stream, which may be overwritten afterwards. */
  take(bytes: Uint8Array<ArrayBuffer>): void {
    for (const envelope of this.#splitter.push(bytes)) {
      if (envelopeFlags(envelope) === messageFlag) this.#read(envelopeMessage(envelope));
      else this.#isOver = true;
    }
  }

  /** Throws unless the stream said that it is over and the job succeeded. */
  expectSuccess(): void {
    if (!this.#isOver) throw new Error(`the stream broke off before event ${this.#next}`);
    const { state, cause } = this.#end;
    if (state !== JobState.SUCCEEDED) throw new Error(`the job ended as ${JobState[state]}: ${cause}`);
  }

  #read(bytes: Uint8Array): void {
    const { message } = fromBinary(WatchJobResponseSchema, bytes);
    if (message.case !== "batch") return;
    const first = message.value.header?.firstSequence;
    if (first !== this.#next) throw new Error(`event ${first} came where ${this.#next} was due`);
    this.#next += message.value.events.length;
    for (const { payload } of message.value.events) {
      if (payload.case === "log") this.#listener(payload.value.data);
      else if (payload.case === "agent") this.#onAgent();
      else if (payload.case === "logGap") throw new Error("output was cut");
      else if (payload.case === "stateChanged") {
        const { status } = payload.value;
        const cause = status?.detail.case === "outcome" ? status.detail.value.message : "";
        this.#end = { state: status?.state ?? JobState.UNSPECIFIED, cause };
      }
    }
  }
}
