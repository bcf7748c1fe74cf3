import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type EventBatch, type JobEvent, LogStream } from "#gen/job/v1/job_event_pb.js";
import { WatchJobResponseSchema } from "#gen/job/v1/job_service_pb.js";
import { encodeBatch, eventAt, isNotable, logPositionAfter, trimBatch } from "./batch.ts";
import { encodeEnvelope } from "./envelope.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function chunk(firstLine: number, offset: bigint, text: string, stream = LogStream.STDOUT): JobEvent {
  return eventAt(0, { case: "log", value: { stream, offset, firstLine, data: bytes(text) } });
}

// stdout writes "a\nb", stderr "oops\n", stdout goes on with line 2 and begins line 4.
const events = [
  chunk(1, 0n, "a\nb"),
  chunk(3, 0n, "oops\n", LogStream.STDERR),
  chunk(2, 3n, "bb\n"),
  chunk(4, 6n, "c\n"),
];
const batch = encodeBatch({ firstSequence: 5, log: emptyLog(), events });

function emptyLog() {
  return { $typeName: "blazecraft.job.v1.LogPosition" as const, stdoutOffset: 0n, stderrOffset: 0n, lines: 0 };
}

function decode(message: Uint8Array): EventBatch {
  const { message: content } = fromBinary(WatchJobResponseSchema, message);
  if (content.case !== "batch") throw new Error("not a batch");
  return content.value;
}

test("a batch of output is not notable, one with anything else is", () => {
  expect(decode(batch).header?.notable).toBe(false);
  const phase = eventAt(0, { case: "phaseChanged", value: { phase: 1 } });
  expect(decode(encodeBatch({ firstSequence: 1, log: emptyLog(), events: [...events, phase] })).header?.notable).toBe(
    true,
  );
  expect(isNotable(eventAt(0, { case: "agent", value: { event: { case: "delta", value: {} } } }))).toBe(false);
});

test.each([
  [4, 5, 4, { stdoutOffset: 0n, stderrOffset: 0n, lines: 0 }],
  [5, 6, 3, { stdoutOffset: 3n, stderrOffset: 0n, lines: 2 }],
  [6, 7, 2, { stdoutOffset: 3n, stderrOffset: 5n, lines: 3 }],
  [7, 8, 1, { stdoutOffset: 6n, stderrOffset: 5n, lines: 3 }],
])("a reader that has seen event %i gets the rest with the log's place in front", (seen, first, count, log) => {
  const { header, events: rest } = decode(trimBatch(batch, seen));
  expect(header).toMatchObject({ firstSequence: first, count, log });
  expect(rest).toHaveLength(count);
});

test("the log's place behind stored frames counts every byte and line", () => {
  expect(logPositionAfter(encodeEnvelope(0, batch))).toMatchObject({ stdoutOffset: 8n, stderrOffset: 5n, lines: 4 });
});
