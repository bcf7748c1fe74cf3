import type { Readable } from "node:stream";
import { fromBinary } from "@bufbuild/protobuf";
import { JobState } from "#gen/job/v1/job_pb.js";
import { WatchJobResponseSchema } from "#gen/job/v1/job_service_pb.js";
import { EnvelopeSplitter, envelopeFlags, envelopeMessage, messageFlag } from "#protocol/envelope.ts";

/** Takes what a job wrote, in order. */
export type BatchListener = (data: Uint8Array) => void;

/** How a job ended. */
export interface JobEnd {
  readonly state: JobState;
  readonly cause: string;
}

/**
 * Reads a watch to its end, handing on what the job wrote. Throws when an event is missing, comes twice, or when the
 * stream ends before it says so.
 */
export async function readBatches(stream: Readable, listener: BatchListener): Promise<JobEnd> {
  const splitter = new EnvelopeSplitter();
  let next = 1;
  let end: JobEnd = { state: JobState.UNSPECIFIED, cause: "" };
  for await (const bytes of stream) {
    for (const envelope of splitter.push(bytes)) {
      if (envelopeFlags(envelope) !== messageFlag) return end;
      const { message } = fromBinary(WatchJobResponseSchema, envelopeMessage(envelope));
      if (message.case !== "batch") continue;
      const first = message.value.header?.firstSequence;
      if (first !== next) throw new Error(`event ${first} came where ${next} was due`);
      next += message.value.events.length;
      for (const { payload } of message.value.events) {
        if (payload.case === "log") listener(payload.value.data);
        else if (payload.case === "logGap") throw new Error("output was cut");
        else if (payload.case === "stateChanged") {
          const { status } = payload.value;
          const cause = status?.detail.case === "outcome" ? status.detail.value.message : "";
          end = { state: status?.state ?? JobState.UNSPECIFIED, cause };
        }
      }
    }
  }
  throw new Error(`the stream broke off before event ${next}`);
}
