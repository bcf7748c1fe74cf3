/** Streams of a Job's events for watchers: each is a cursor that reads the FrameLog at its own pace. */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { WatchJobResponseSchema, WatchOutcome } from "#gen/job/v1/job_service_pb.js";
import { trimBatch } from "#protocol/batch.ts";
import { concatBytes } from "#protocol/bytes.ts";
import {
  connectEndFlag,
  encodeEnvelope,
  envelopeLength,
  envelopeMessage,
  grpcWebTrailerFlag,
  messageFlag,
  readBatchHeader,
} from "#protocol/envelope.ts";
import type { FrameLog } from "./frame-log.ts";

/** How a stream says that it is over: an EndStreamResponse, or trailers. */
export type StreamEnd = "connect" | "grpc-web";

/** A watcher's wishes. */
export interface WatchOptions {
  readonly afterSequence: number;
  readonly end: StreamEnd;
  /** Number of the event that makes the Job final, once it is. */
  readonly finalSequence: () => number | undefined;
  /** Stop at the newest event instead of waiting for more. */
  readonly follow: boolean;
}

const heartbeatMs = 10_000;

/**
 * The body of a watch: verdict, stored events, live events, end. Bytes are taken from the log only when the reader has
 * room, so a reader that stops costs one cursor and nothing else.
 */
export function watchStream(log: FrameLog, options: WatchOptions): ReadableStream<Uint8Array> {
  let cursor = options.afterSequence;
  let saidMs = Date.now();
  let isCanceled = false;
  const unwatch = log.pulse.watch();
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(verdict(log));
      },
      async pull(controller) {
        for (;;) {
          if (isCanceled) return;
          const frames = log.readAfter(cursor);
          if (frames !== undefined) {
            controller.enqueue(frames.first > cursor ? frames.bytes : unseenPart(frames.bytes, cursor));
            cursor = frames.last;
            saidMs = Date.now();
            return;
          }
          const final = options.finalSequence();
          if (!options.follow || (final !== undefined && cursor >= final)) {
            controller.enqueue(endOfStream(options.end));
            controller.close();
            unwatch();
            return;
          }
          if (Date.now() - saidMs >= heartbeatMs) {
            controller.enqueue(heartbeat(log));
            saidMs = Date.now();
            return;
          }
          await log.pulse.next();
        }
      },
      cancel() {
        isCanceled = true;
        unwatch();
      },
    },
    { highWaterMark: 0 },
  );
}

function verdict(log: FrameLog): Uint8Array {
  return encode({
    case: "verdict",
    value: {
      outcome: WatchOutcome.OK,
      oldestSequence: log.newest > 0 ? 1 : 0,
      newestSequence: log.newest,
      storedSequence: log.stored,
    },
  });
}

function heartbeat(log: FrameLog): Uint8Array {
  return encode({
    case: "heartbeat",
    value: { time: timestampNow(), newestSequence: log.newest, storedSequence: log.stored },
  });
}

function encode(message: NonNullable<MessageInitShape<typeof WatchJobResponseSchema>["message"]>): Uint8Array {
  return encodeEnvelope(messageFlag, toBinary(WatchJobResponseSchema, create(WatchJobResponseSchema, { message })));
}

function endOfStream(end: StreamEnd): Uint8Array {
  const text = new TextEncoder();
  return end === "connect"
    ? encodeEnvelope(connectEndFlag, text.encode("{}"))
    : encodeEnvelope(grpcWebTrailerFlag, text.encode("grpc-status: 0\r\n"));
}

/** The envelopes behind a cursor that lies inside these. A batch that the cursor cuts is encoded anew without its head. */
function unseenPart(bytes: Uint8Array<ArrayBuffer>, cursor: number): Uint8Array {
  for (let offset = 0; ; ) {
    const length = envelopeLength(bytes, offset);
    if (length === undefined) throw new Error(`stored frames do not hold event ${cursor + 1}`);
    const message = envelopeMessage(bytes.subarray(offset, offset + length)) as Uint8Array<ArrayBuffer>;
    const header = readBatchHeader(message);
    if (header === undefined) throw new Error("stored frames hold something else than batches");
    if (header.firstSequence > cursor) return bytes.subarray(offset);
    if (header.firstSequence + header.count - 1 > cursor) {
      const head = encodeEnvelope(messageFlag, trimBatch(message, cursor));
      return concatBytes([head, bytes.subarray(offset + length)]);
    }
    offset += length;
  }
}
