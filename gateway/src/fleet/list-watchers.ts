/** Streams of changes of the list of Jobs. */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { Job } from "#gen/job/v1/job_pb.js";
import { WatchJobsResponseSchema } from "#gen/job/v1/job_service_pb.js";
import { concatBytes } from "#protocol/bytes.ts";
import { encodeEnvelope, messageFlag } from "#protocol/envelope.ts";
import type { Pulse } from "../pulse.ts";
import type { ListChange } from "./fleet-store.ts";

/** Where a watcher begins, and what it reads from. */
export interface ListWatch {
  readonly afterRevision: number;
  readonly end: "connect" | "grpc-web";
  readonly pulse: Pulse;
  readonly changesAfter: (revision: number, limit: number) => readonly ListChange[];
  /** Jobs with their present place in the queue. */
  readonly withPlaces: (jobs: readonly Job[]) => readonly Job[];
  /** The first Jobs of the queue, with their places. */
  readonly queuedJobs: (limit: number) => readonly Job[];
}

const heartbeatMs = 10_000;
/** Places in the queue move with every start; they are told at most so often, and of so many Jobs. */
const placesEveryMs = 1_000;
const placesOf = 200;
const changesAtOnce = 50;

/**
 * The body of a watch of the list: a heartbeat, what changed, what changes. A cursor and the places it has told are all
 * that a watcher costs.
 */
export function watchList(watch: ListWatch): ReadableStream<Uint8Array> {
  let cursor = watch.afterRevision;
  let saidMs = 0;
  let placesMs = 0;
  let isCanceled = false;
  const toldPlaces = new Map<string, string>();
  const unwatch = watch.pulse.watch();

  /** Jobs whose place has changed since it was told. */
  function movedJobs(): readonly Job[] {
    if (Date.now() - placesMs < placesEveryMs) return [];
    placesMs = Date.now();
    return watch.queuedJobs(placesOf).filter((job) => toldPlaces.get(job.id) !== placeOf(job));
  }

  /** What there is to say now. */
  function news(): readonly Uint8Array[] {
    const changes = watch.changesAfter(cursor, changesAtOnce);
    const jobs = watch.withPlaces(changes.flatMap((change) => ("job" in change ? [change.job] : [])));
    const byId = new Map(jobs.map((job) => [job.id, job]));
    const messages = changes.map((change) => {
      cursor = change.revision;
      if ("deletedId" in change) return encode(cursor, { case: "deletedId", value: change.deletedId });
      return encode(cursor, { case: "job", value: byId.get(change.job.id) ?? change.job });
    });
    const moved = changes.length === changesAtOnce ? [] : movedJobs();
    for (const job of [...jobs, ...moved]) {
      if (placeOf(job) === "") toldPlaces.delete(job.id);
      else toldPlaces.set(job.id, placeOf(job));
    }
    return [...messages, ...moved.map((job) => encode(cursor, { case: "job", value: job }))];
  }

  /** The next bytes to send, once there are any. */
  async function read(): Promise<Uint8Array | undefined> {
    while (!isCanceled) {
      const messages = saidMs === 0 ? [] : news();
      const isDue = Date.now() - saidMs >= heartbeatMs;
      if (messages.length > 0 || isDue) {
        saidMs = Date.now();
        return messages.length > 0
          ? concatBytes(messages)
          : encode(cursor, { case: "heartbeat", value: { time: timestampNow() } });
      }
      await watch.pulse.next();
    }
    return undefined;
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await read();
          if (next !== undefined) controller.enqueue(next);
        } catch (error) {
          unwatch();
          throw error;
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

function placeOf({ status }: Job): string {
  if (status?.detail.case !== "pending") return "";
  const { reason, position } = status.detail.value;
  return `${reason} ${position}`;
}

function encode(
  revision: number,
  message: NonNullable<MessageInitShape<typeof WatchJobsResponseSchema>["message"]>,
): Uint8Array {
  const response = create(WatchJobsResponseSchema, { revision, message });
  return encodeEnvelope(messageFlag, toBinary(WatchJobsResponseSchema, response));
}
