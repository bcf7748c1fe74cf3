import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { type JobEvent, LogPositionSchema } from "#gen/job/v1/job_event_pb.js";
import { JobPhase } from "#gen/job/v1/job_pb.js";
import { WatchJobResponseSchema, WatchOutcome } from "#gen/job/v1/job_service_pb.js";
import { encodeBatch, eventAt } from "#protocol/batch.ts";
import { concatBytes } from "#protocol/bytes.ts";
import { connectEndFlag, encodeEnvelope, messageFlag } from "#protocol/envelope.ts";
import { ContractBroken, takeEvents } from "./event-intake.ts";
import type { Frames } from "./job-store.ts";

const chunk = eventAt(0, { case: "log", value: { stream: 1, firstLine: 1, data: new Uint8Array(9) } });
const phase = eventAt(0, { case: "phaseChanged", value: { phase: JobPhase.EXECUTING } });
const ok = encodeEnvelope(connectEndFlag, new TextEncoder().encode("{}"));
const notFound = encodeEnvelope(connectEndFlag, new TextEncoder().encode('{"error":{"code":"not_found"}}'));

function batch(firstSequence: number, events: readonly JobEvent[]): Uint8Array {
  return encodeEnvelope(messageFlag, encodeBatch({ firstSequence, log: create(LogPositionSchema), events }));
}

function verdict(outcome: WatchOutcome): Uint8Array {
  return message({ case: "verdict", value: { outcome } });
}

function message(content: NonNullable<MessageInitShape<typeof WatchJobResponseSchema>["message"]>): Uint8Array {
  return encodeEnvelope(
    messageFlag,
    toBinary(WatchJobResponseSchema, create(WatchJobResponseSchema, { message: content })),
  );
}

/** Feeds bytes in pieces of a size, and tells what the handler got. */
async function take(bytes: Uint8Array, pieceSize = bytes.length, isOver = () => false) {
  const frames: Frames[] = [];
  const notable: JobEvent[] = [];
  let heard = 0;
  let offset = 0;
  const source: UnderlyingByteSource = {
    type: "bytes",
    pull(controller) {
      if (offset < bytes.length) controller.enqueue(bytes.slice(offset, offset + pieceSize));
      else {
        controller.close();
        // The read that waits is answered too.
        controller.byobRequest?.respond(0);
      }
      offset += pieceSize;
    },
  };
  const body = new ReadableStream(source);
  const end = await takeEvents(body, {
    onFrames: (taken, events) => {
      frames.push(taken);
      notable.push(...events);
    },
    onHeard: () => {
      heard += 1;
    },
    isOver,
  });
  return { frames, notable, heard, end };
}

test("frames come out as the bytes they were, however they were cut, with the notable events decoded", async () => {
  const batches = [batch(4, [chunk, chunk]), batch(6, [phase]), batch(7, [chunk])];
  const stream = concatBytes([verdict(WatchOutcome.OK), ...batches, ok]);
  for (const pieceSize of [1, 7, 64, stream.length]) {
    const { frames, notable, end } = await take(stream, pieceSize);
    expect(concatBytes(frames.map(({ bytes }) => bytes))).toEqual(concatBytes(batches));
    expect(frames[0]?.first).toBe(4);
    expect(frames.at(-1)?.last).toBe(7);
    expect(notable.map(({ payload }) => payload.case)).toEqual(["phaseChanged"]);
    expect(end).toBeUndefined();
  }
});

test("a refusal is no sign of life", async () => {
  const { heard, end } = await take(notFound);
  expect(heard).toBe(0);
  expect(end?.code).toBe(Code.NotFound);
});

test.each<[string, Uint8Array]>([
  ["a gap", verdict(WatchOutcome.GAP)],
  ["an expired cursor", verdict(WatchOutcome.EXPIRED)],
  ["a hole between batches", concatBytes([batch(1, [chunk]), batch(3, [chunk])])],
  ["a batch without events", batch(1, [])],
])("%s breaks the contract, so that nobody asks again", async (_, bytes) => {
  await expect(take(concatBytes([bytes, ok]))).rejects.toThrow(ContractBroken);
});

test("a stream that breaks off is told from one that ended", async () => {
  await expect(take(batch(1, [chunk]))).rejects.toThrow("broke off");
});

test("nothing is read once the attempt is over, even if the stream does not end", async () => {
  const { frames, end } = await take(batch(1, [phase]), undefined, () => true);
  expect(frames).toHaveLength(1);
  expect(end).toBeUndefined();
});
