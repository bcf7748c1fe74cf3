import { create } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { type JobEvent, JobEventSchema } from "#gen/job/v1/job_event_pb.js";
import type { Redaction } from "./redact.ts";
import { type BlockPart, RedactedDeltas } from "./redact-deltas.ts";
import { redactMessage } from "./redact-message.ts";

/** Hides secrets in all events but output, which is a stream of bytes. */
export class RedactedEvents {
  readonly #redaction: Redaction;
  readonly #deltas: RedactedDeltas;

  constructor(redaction: Redaction) {
    this.#redaction = redaction;
    this.#deltas = new RedactedDeltas(redaction);
  }

  /** What is to be written for an event, which itself is left as it is: none, one, or several. */
  redact(event: JobEvent): readonly JobEvent[] {
    const { payload, time } = event;
    const agent = payload.case === "agent" ? payload.value : undefined;
    if (agent?.event.case === "delta") {
      const parts = this.#deltas.push(agent, agent.event.value);
      return parts[0]?.text === agent.event.value.content.value ? [event] : asEvents(parts, time);
    }
    const kept = agent === undefined ? [] : this.#deltas.endBefore(agent);
    return [...asEvents(kept, time), redactMessage(JobEventSchema, event, this.#redaction)];
  }

  /** What is to be written before the last event. */
  end(time: Timestamp): readonly JobEvent[] {
    return asEvents(this.#deltas.end(), time);
  }
}

function asEvents(parts: readonly BlockPart[], time: Timestamp | undefined): readonly JobEvent[] {
  return parts.map(({ parentToolCallId, messageId, index, kind, text }) => {
    const delta = { messageId, index, content: { case: kind, value: text } };
    return create(JobEventSchema, {
      ...(time && { time }),
      payload: { case: "agent", value: { parentToolCallId, event: { case: "delta", value: delta } } },
    });
  });
}
