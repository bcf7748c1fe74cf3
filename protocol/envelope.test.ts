import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type WatchJobResponse, WatchJobResponseSchema } from "#gen/job/v1/job_service_pb.js";
import { StreamEventsResponseSchema } from "#gen/runner/v1/runner_service_pb.js";
import {
  EnvelopeSplitter,
  encodeEnvelope,
  envelopeFlags,
  envelopeMessage,
  maxMessageBytes,
  readBatchHeader,
} from "./envelope.ts";

const batch = {
  case: "batch" as const,
  value: {
    header: { firstSequence: 7, count: 2, log: { stdoutOffset: 300n, stderrOffset: 2n, lines: 9 }, notable: true },
    events: [{ payload: { case: "log" as const, value: { data: new Uint8Array(300) } } }, {}],
  },
};

test("envelopes come out whole, however the bytes were cut", () => {
  const stream = Buffer.concat([
    encodeEnvelope(0, new Uint8Array(0)),
    encodeEnvelope(0, new TextEncoder().encode("hello")),
    encodeEnvelope(2, new Uint8Array(1000).fill(7)),
  ]);
  for (let size = 1; size <= stream.length; size += 1) {
    const splitter = new EnvelopeSplitter();
    const found: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size)
      found.push(...splitter.push(new Uint8Array(stream.subarray(at, at + size))));
    expect(found.map((envelope) => [envelopeFlags(envelope), envelopeMessage(envelope).length])).toEqual([
      [0, 0],
      [0, 5],
      [2, 1000],
    ]);
    expect(splitter.pendingBytes).toBe(0);
  }
});

test("an envelope that announces more than the limit is refused before it is buffered", () => {
  const prefix = new Uint8Array(5);
  new DataView(prefix.buffer).setUint32(1, maxMessageBytes + 1);
  expect(() => new EnvelopeSplitter().push(prefix)).toThrow(/larger than/);
});

test("the header of a batch is read alone", () => {
  const message = toBinary(WatchJobResponseSchema, create(WatchJobResponseSchema, { message: batch }));
  expect(readBatchHeader(message)).toMatchObject({
    firstSequence: 7,
    count: 2,
    notable: true,
    log: { stdoutOffset: 300n, lines: 9 },
  });
});

test("a verdict and a heartbeat have no batch header", () => {
  const messages: WatchJobResponse["message"]["case"][] = ["verdict", "heartbeat"];
  for (const kind of messages) {
    const message = create(WatchJobResponseSchema, { message: { case: kind, value: {} } } as never);
    expect(readBatchHeader(toBinary(WatchJobResponseSchema, message))).toBeUndefined();
  }
});

test("what the runner streams is, byte for byte, what watchers receive", () => {
  const runner = toBinary(StreamEventsResponseSchema, create(StreamEventsResponseSchema, { message: batch }));
  const watcher = toBinary(WatchJobResponseSchema, create(WatchJobResponseSchema, { message: batch }));
  expect(runner).toEqual(watcher);
});
