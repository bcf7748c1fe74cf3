/** Streams that the Worker serves as the bytes that an object or a runner sent: nothing is decoded on the way. */
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import {
  JobService,
  ReadArtifactRequestSchema,
  WatchJobRequestSchema,
  WatchJobsRequestSchema,
} from "#gen/job/v1/job_service_pb.js";
import { EnvelopeSplitter, envelopeFlags, envelopeMessage, messageFlag } from "#protocol/envelope.ts";
import { validate } from "#protocol/validation.ts";
import type { Env } from "../env.ts";
import { openArtifact } from "./read-artifact.ts";
import { openWatch } from "./watch-stream.ts";

/**
 * Answers a binary WatchJob, WatchJobs or ReadArtifact. Undefined when the request is of another kind, or is wrong: then the
 * ordinary handler answers it, from the same untouched request.
 */
export async function forwardStream(request: Request, env: Env): Promise<Response | undefined> {
  const contentType = request.headers.get("content-type") ?? "";
  const end = ends[contentType];
  const hasDeadline = request.headers.has("connect-timeout-ms") || request.headers.has("grpc-timeout");
  const isSmall = Number(request.headers.get("content-length") ?? Number.NaN) <= maxRequestBytes;
  if (end === undefined || hasDeadline || !isSmall || request.method !== "POST") return undefined;
  const open = streams[new URL(request.url).pathname];
  if (open === undefined) return undefined;
  try {
    const [envelope, ...more] = new EnvelopeSplitter().push(new Uint8Array(await request.clone().arrayBuffer()));
    if (envelope === undefined || more.length > 0 || envelopeFlags(envelope) !== messageFlag) return undefined;
    const body = await open(env, envelopeMessage(envelope), { end, signal: request.signal });
    return body && new Response(body, { headers: { "content-type": contentType } });
  } catch {
    // Whatever is wrong with it, the ordinary handler says so in the caller's protocol.
    return undefined;
  }
}

/** A request for a stream is small; one of unknown length is left to the handler that counts as it reads. */
const maxRequestBytes = 8192;

const ends: Readonly<Record<string, Ending["end"]>> = {
  "application/connect+proto": "connect",
  "application/grpc-web+proto": "grpc-web",
};

interface Ending {
  /** How the end of the stream is said. */
  readonly end: "connect" | "grpc-web";
  readonly signal: AbortSignal;
}

type Open = (env: Env, message: Uint8Array, ending: Ending) => Promise<ReadableStream<Uint8Array> | undefined>;

const streams: Readonly<Record<string, Open>> = {
  [`/${JobService.typeName}/${JobService.method.watchJob.name}`]: async (env, message, { end, signal }) => {
    const { id, afterSequence: after } = parse(WatchJobRequestSchema, message);
    return await openWatch(env.JOB.getByName(id), { after, field: "after_sequence", end }, signal);
  },
  [`/${JobService.typeName}/${JobService.method.watchJobs.name}`]: async (env, message, { end, signal }) => {
    const { afterRevision: after } = parse(WatchJobsRequestSchema, message);
    return await openWatch(env.FLEET.getByName("fleet"), { after, field: "after_revision", end }, signal);
  },
  [`/${JobService.typeName}/${JobService.method.readArtifact.name}`]: async (env, message, { end, signal }) => {
    // A runner says the end as Connect does.
    if (end !== "connect") return undefined;
    return await openArtifact(env, parse(ReadArtifactRequestSchema, message), signal);
  },
};

function parse<Schema extends DescMessage>(schema: Schema, bytes: Uint8Array): MessageShape<Schema> {
  const message = fromBinary(schema, bytes);
  validate(schema, message);
  return message;
}
