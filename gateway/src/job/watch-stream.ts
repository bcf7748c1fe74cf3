/** Watches of an object, as the bytes that it sends. */
import { Code, type ConnectError } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import { jobNotFound } from "./job-refusals.ts";

/** Where a stream begins and how its end is said. */
export interface WatchCursor {
  readonly after: number;
  /** Field of the request that said so. */
  readonly field: "after_sequence" | "after_revision";
  readonly end: "connect" | "grpc-web";
}

/** An object that streams: a JobObject or the fleet. */
export interface Watched {
  fetch(url: string, init: { signal: AbortSignal }): Promise<Response>;
}

/** The object's stream of envelopes behind a cursor. Throws NOT_FOUND and OUT_OF_RANGE as the RPCs say. */
export async function openWatch(
  watched: Watched,
  { after, field, end }: WatchCursor,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const response = await watched.fetch(`http://object/watch?after=${after}&end=${end}`, { signal });
  if (response.status === 404) throw problemError(jobNotFound());
  if (response.status === 416 || response.body === null) throw cursorTooNew(after, field);
  return response.body;
}

function cursorTooNew(after: number, field: WatchCursor["field"]): ConnectError {
  return problemError({
    code: Code.OutOfRange,
    reason: ProblemReason.CURSOR_EXPIRED,
    field,
    message: `${after} is newer than the newest there is`,
    action: "Begin again from 0, or list again.",
  });
}
