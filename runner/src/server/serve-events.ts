import type { ServerResponse } from "node:http";
import { fromBinary } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import { contentTypeStreamProto } from "@connectrpc/connect/protocol-connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { type StreamEventsRequest, StreamEventsRequestSchema } from "#gen/runner/v1/runner_service_pb.js";
import { envelopeFlags, envelopeLength, envelopeMessage, messageFlag } from "#protocol/envelope.ts";
import { problemError } from "#protocol/problem.ts";
import { validate } from "#protocol/validation.ts";
import type { Jobs } from "../job/jobs.ts";
import { streamEnvelopes } from "../spool/event-stream.ts";
import { endOfStream } from "./write-error.ts";

/** What events are served from. */
export interface EventServer {
  readonly jobs: Jobs;
  readonly heartbeatMs: number;
}

/**
 * Serves StreamEvents over Connect: the spool's bytes straight from its files, as fast as the caller takes them. The
 * response has no length and each write is flushed, so no proxy has a reason to hold anything back.
 */
export async function serveEvents(body: Uint8Array, response: ServerResponse, server: EventServer): Promise<void> {
  const { jobId, attempt, afterSequence } = parseRequest(body);
  const spool = server.jobs.get(jobId, attempt);
  await spool.untilHeard();
  const closed = new AbortController();
  response.once("close", () => closed.abort());
  const { signal } = closed;
  const stream = streamEnvelopes(spool, { afterSequence, heartbeatMs: server.heartbeatMs, signal });
  try {
    for await (const bytes of stream) {
      if (!response.headersSent) response.writeHead(200, { "content-type": contentTypeStreamProto });
      await write(response, bytes);
    }
    if (!signal.aborted) response.end(endOfStream());
  } catch (error) {
    // A caller that left is no error; its next stream goes on where it was.
    if (!signal.aborted) throw error;
  }
}

/** Resolves once the bytes have left, or never will because the caller has: their memory can be used again. */
function write(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    response.write(bytes, () => resolve());
  });
}

function parseRequest(body: Uint8Array): StreamEventsRequest {
  if (envelopeLength(body, 0) !== body.length || envelopeFlags(body) !== messageFlag) throw malformed();
  const request = decodeRequest(envelopeMessage(body));
  validate(StreamEventsRequestSchema, request);
  return request;
}

function decodeRequest(message: Uint8Array): StreamEventsRequest {
  try {
    return fromBinary(StreamEventsRequestSchema, message);
  } catch (error) {
    throw malformed(error);
  }
}

function malformed(cause?: unknown): ConnectError {
  return problemError({
    code: Code.InvalidArgument,
    reason: ProblemReason.MALFORMED_REQUEST,
    message: "the request is not one uncompressed StreamEventsRequest in an envelope",
    action: "Send it as the Connect protocol does for server streams.",
    cause,
  });
}
