import { fromBinary } from "@bufbuild/protobuf";
import type { JobEvent } from "#gen/job/v1/job_event_pb.js";
import { JobState } from "#gen/job/v1/job_pb.js";
import { WatchJobResponseSchema } from "#gen/job/v1/job_service_pb.js";
import { EnvelopeSplitter, envelopeFlags, envelopeMessage, messageFlag } from "#protocol/envelope.ts";

/** What happened besides output and changes of state. */
export type Payload = JobEvent["payload"];

/** Reads a watch, hands on what the job wrote, and tells of what else happened. Throws when an event is missing or comes twice. */
export class BatchReader {
  readonly #listener: (data: Uint8Array) => void;
  readonly #onEvent: (payload: Payload) => void;
  readonly #splitter = new EnvelopeSplitter();
  #next = 1;
  #end = { state: JobState.UNSPECIFIED, cause: "" };
  #isOver = false;

  constructor(listener: (data: Uint8Array) => void, onEvent: (payload: Payload) => void) {
    this.#listener = listener;
    this.#onEvent = onEvent;
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
      else if (payload.case === "logGap") throw new Error("output was cut");
      else if (payload.case === "stateChanged") {
        const { status } = payload.value;
        const cause = status?.detail.case === "outcome" ? status.detail.value.message : "";
        this.#end = { state: status?.state ?? JobState.UNSPECIFIED, cause };
      } else this.#onEvent(payload);
    }
  }
}
