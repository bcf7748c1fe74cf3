/** Calls to a runner: signed, across the tunnel, never following redirects. */
import { type DescMethod, toBinary } from "@bufbuild/protobuf";
import { type Client, Code, type ConnectError, createClient } from "@connectrpc/connect";
import { errorFromJson } from "@connectrpc/connect/protocol-connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import {
  type ReadArtifactRequest,
  ReadArtifactRequestSchema,
  RunnerService,
  type StreamEventsRequest,
  StreamEventsRequestSchema,
} from "#gen/runner/v1/runner_service_pb.js";
import { encodeEnvelope, messageFlag } from "#protocol/envelope.ts";
import { problemError } from "#protocol/problem.ts";
import { type SigningKey, sign, signatureHeader } from "#protocol/signature.ts";

/** A runner that can be called. */
export interface RunnerClient extends Client<typeof RunnerService> {
  /**
   * StreamEvents as the bytes of its response: envelopes to be forwarded, not decoded. Throws what the runner answered in
   * place of a stream; an error that ends the stream is in its last envelope.
   */
  openEvents(request: StreamEventsRequest, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /** ReadArtifact likewise. */
  openArtifact(request: ReadArtifactRequest, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
}

/** Longest wait for the answer to a unary call, and for the headers of a stream. */
const answerTimeoutMs = 10_000;

/** A client of the runner at `url` whose calls are signed with `key`. */
export function createRunnerClient(url: string, key: SigningKey): RunnerClient {
  const transport = createConnectTransport({
    baseUrl: url,
    useBinaryFormat: true,
    defaultTimeoutMs: answerTimeoutMs,
    fetch: (input, init) => signedFetch(key, String(input), init ?? {}),
  });
  const openStream = (method: DescMethod, message: Uint8Array, signal: AbortSignal) =>
    openEnvelopes(key, `${url}/${RunnerService.typeName}/${method.name}`, { message, signal });
  return {
    ...createClient(RunnerService, transport),
    openEvents: (request, signal) =>
      openStream(RunnerService.method.streamEvents, toBinary(StreamEventsRequestSchema, request), signal),
    openArtifact: (request, signal) =>
      openStream(RunnerService.method.readArtifact, toBinary(ReadArtifactRequestSchema, request), signal),
  };
}

async function openEnvelopes(
  key: SigningKey,
  url: string,
  { message, signal }: { readonly message: Uint8Array; readonly signal: AbortSignal },
): Promise<ReadableStream<Uint8Array>> {
  const opening = new AbortController();
  signal.addEventListener("abort", () => opening.abort(signal.reason), { signal: opening.signal });
  const timer = setTimeout(() => opening.abort(unreachable("no answer within 10 s")), answerTimeoutMs);
  const response = await signedFetch(key, url, {
    method: "POST",
    headers: { "content-type": "application/connect+proto", "connect-protocol-version": "1" },
    body: encodeEnvelope(messageFlag, message),
    signal: opening.signal,
  }).finally(() => clearTimeout(timer));
  if (response.body === null) throw unreachable("its answer has no body");
  if (response.headers.get("content-type") === "application/json") {
    throw errorFromJson(await response.json(), undefined, unreachable(`HTTP ${response.status}`));
  }
  return response.body;
}

async function signedFetch(key: SigningKey, url: string, init: RequestInit): Promise<Response> {
  const { pathname, search } = new URL(url);
  const headers = new Headers(init.headers);
  const contentType = headers.get("content-type") ?? "";
  // Connect hands over the final bytes of unary and server-streaming requests.
  const body = init.body as Uint8Array;
  const parts = { method: init.method ?? "GET", path: pathname + search, contentType, body };
  headers.set(signatureHeader, await sign(key, parts, Date.now()));
  const response = await fetch(url, { ...init, headers, redirect: "manual" }).catch((error: unknown) => {
    throw init.signal?.aborted
      ? init.signal.reason
      : unreachable(error instanceof Error ? error.message : String(error));
  });
  refuseStrangers(response);
  return response;
}

/** Throws when the answer does not come from a runner but from something in front of it. */
function refuseStrangers({ status, headers }: Response): void {
  if (/^application\/(proto|json|connect\+proto)$/.test(headers.get("content-type") ?? "")) return;
  if (status >= 300 && status < 400) throw unreachable("a login page answered; see the Access policy of the tunnel");
  throw unreachable(`HTTP ${status} came from something in front of it`);
}

function unreachable(why: string): ConnectError {
  return problemError({
    code: Code.Unavailable,
    reason: ProblemReason.RUNNER_OFFLINE,
    message: `runner cannot be reached: ${why}`,
    action: "Check that the runner and its tunnel are up.",
    retryAfterMs: 2_000,
  });
}
