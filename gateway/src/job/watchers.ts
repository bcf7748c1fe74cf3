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
  /** Wait for more at the newest event, instead of ending there. */
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
  let isOver = false;
  const unwatch = log.pulse.watch();

  /** The next bytes to send, once there are any; undefined behind the last ones. */
  async function read(): Promise<Uint8Array | undefined> {
    while (!isOver) {
      const frames = log.readAfter(cursor);
      if (frames !== undefined) {
        const bytes = frames.first > cursor ? frames.bytes : unseenPart(frames.bytes, cursor);
        cursor = frames.last;
        saidMs = Date.now();
        return bytes;
      }
      const final = options.finalSequence();
      if (cursor < log.newest || (final !== undefined && cursor > final)) throw new Error("these events are gone");
      if (!options.follow || cursor === final) {
        isOver = true;
        unwatch();
        return endOfStream(options.end);
      }
      if (Date.now() - saidMs >= heartbeatMs) {
        saidMs = Date.now();
        return heartbeat(log);
      }
      await log.pulse.next();
    }
    return undefined;
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(verdict(log));
      },
      async pull(controller) {
        try {
          const next = await read();
          if (next === undefined) controller.close();
          else controller.enqueue(next);
        } catch (error) {
          unwatch();
          throw error;
        }
      },
      cancel() {
        isOver = true;
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
