/** Watches as the Worker serves them: the object's bytes as they are, or decoded for readers of JSON. */
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import { JobService, WatchJobRequestSchema, WatchJobsRequestSchema } from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { EnvelopeSplitter, envelopeFlags, envelopeMessage, messageFlag } from "#protocol/envelope.ts";
import { problemError } from "#protocol/problem.ts";
import { validate } from "#protocol/validation.ts";
import type { Env } from "../env.ts";
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

/**
 * Answers a binary WatchJob or WatchJobs with the object's bytes as they are: nothing is decoded on the way. Undefined when
 * the request is of another kind, or is wrong: then the ordinary handler answers it, from the same untouched request.
 */
export async function watchFast(request: Request, env: Env): Promise<Response | undefined> {
  const contentType = request.headers.get("content-type") ?? "";
  const end = ends[contentType];
  const hasDeadline = request.headers.has("connect-timeout-ms") || request.headers.has("grpc-timeout");
  const isSmall = Number(request.headers.get("content-length") ?? Number.NaN) <= maxRequestBytes;
  if (end === undefined || hasDeadline || !isSmall || request.method !== "POST") return undefined;
  const open = watches[new URL(request.url).pathname];
  if (open === undefined) return undefined;
  try {
    const [envelope, ...more] = new EnvelopeSplitter().push(new Uint8Array(await request.clone().arrayBuffer()));
    if (envelope === undefined || more.length > 0 || envelopeFlags(envelope) !== messageFlag) return undefined;
    const { watched, ...cursor } = open(env, envelopeMessage(envelope));
    const body = await openWatch(watched, { ...cursor, end }, request.signal);
    return new Response(body, { headers: { "content-type": contentType } });
  } catch {
    // Whatever is wrong with it, the ordinary handler says so in the caller's protocol.
    return undefined;
  }
}

/** A request that asks for a watch is small; one of unknown length is left to the handler that counts as it reads. */
const maxRequestBytes = 1024;

const ends: Readonly<Record<string, WatchCursor["end"]>> = {
  "application/connect+proto": "connect",
  "application/grpc-web+proto": "grpc-web",
};

type FoundWatch = Omit<WatchCursor, "end"> & { readonly watched: Watched };

const watches: Readonly<Record<string, (env: Env, message: Uint8Array) => FoundWatch>> = {
  [`/${JobService.typeName}/${JobService.method.watchJob.name}`]: (env, message) => {
    const { id, afterSequence } = parse(WatchJobRequestSchema, message);
    return { watched: env.JOB.getByName(id), after: afterSequence, field: "after_sequence" };
  },
  [`/${JobService.typeName}/${JobService.method.watchJobs.name}`]: (env, message) => {
    const { afterRevision } = parse(WatchJobsRequestSchema, message);
    return { watched: env.FLEET.getByName("fleet"), after: afterRevision, field: "after_revision" };
  },
};

function parse<Schema extends DescMessage>(schema: Schema, bytes: Uint8Array): MessageShape<Schema> {
  const message = fromBinary(schema, bytes);
  validate(schema, message);
  return message;
}
