import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { JobEventSchema, LogStream } from "#gen/job/v1/job_event_pb.js";
import { StreamEventsResponseSchema } from "#gen/runner/v1/runner_service_pb.js";
import { encodeEnvelope } from "#protocol/envelope.ts";
import { encodeBatch, encodeEvent, type PendingLog } from "./encode-batch.ts";

test.each([
  { name: "a small chunk", offset: 0, firstLine: 1, timeMs: 1_700_000_000_000, size: 6 },
  { name: "a chunk with a fraction of a second", offset: 127, firstLine: 128, timeMs: 1_700_000_000_999, size: 127 },
  { name: "a full chunk far into a stream", offset: 2 ** 40 + 5, firstLine: 2 ** 32 - 1, timeMs: 5, size: 65_536 },
])("$name is encoded as protobuf-es encodes it", ({ offset, firstLine, timeMs, size }) => {
  const data = new Uint8Array(size).fill(120);
  const log: PendingLog = { kind: "log", stream: LogStream.STDERR, offset, firstLine, timeMs, data, nextLine: 0 };
  const other = create(JobEventSchema, { payload: { case: "phaseChanged", value: { phase: 2 } } });
  const place = { stdoutOffset: 3, stderrOffset: offset, lines: firstLine - 1 };
  const header = { firstSequence: 9, log: place, notable: true };
  const value = {
    header: { ...header, count: 2, log: { ...place, stdoutOffset: 3n, stderrOffset: BigInt(offset) } },
    events: [
      {
        time: timestampFromMs(timeMs),
        payload: {
          case: "log" as const,
          value: { stream: LogStream.STDERR, offset: BigInt(offset), firstLine, data },
        },
      },
      other,
    ],
  };
  const response = create(StreamEventsResponseSchema, { message: { case: "batch", value } });
  const expected = encodeEnvelope(0, toBinary(StreamEventsResponseSchema, response));
  const events = [log, encodeEvent(other)];
  for (const room of [new Uint8Array(0), new Uint8Array(100_000).fill(255)]) {
    expect(Buffer.from(encodeBatch(header, events, room)).equals(Buffer.from(expected))).toBe(true);
  }
});

test("a batch past the limit of the wire is refused", () => {
  const data = new Uint8Array(2 << 20);
  const log: PendingLog = {
    kind: "log",
    stream: LogStream.STDOUT,
    offset: 0,
    firstLine: 1,
    timeMs: 0,
    data,
    nextLine: 1,
  };
  const header = { firstSequence: 1, log: { stdoutOffset: 0, stderrOffset: 0, lines: 0 }, notable: false };
  expect(() => encodeBatch(header, [log], new Uint8Array(0))).toThrow(/larger than/);
});
