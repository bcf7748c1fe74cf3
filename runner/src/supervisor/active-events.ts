import type { EventPayload } from "../executor/executor.ts";
import type { EventWriter } from "../spool/event-writer.ts";
import type { StopSignal } from "./stop-signal.ts";

/** Writes what a job does: each event shows that it is not idle, and unknown lines of its agent's program are counted. */
export class ActiveEvents {
  readonly #writer: EventWriter;
  readonly #stop: StopSignal;
  #unknownLines = 0;

  constructor(writer: EventWriter, stop: StopSignal) {
    this.#writer = writer;
    this.#stop = stop;
  }

  /** Lines that were kept as they are. */
  get unknownLines(): number {
    return this.#unknownLines;
  }

  readonly emit = (payload: EventPayload): void => {
    this.#stop.active();
    if (payload.case === "agent" && payload.value.event?.case === "raw") this.#unknownLines += 1;
    this.#writer.event(payload);
  };
}
