import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Code, ConnectError, type ConnectRouter, createConnectRouter } from "@connectrpc/connect";
import {
  createAsyncIterable,
  type UniversalHandler,
  universalServerResponseToFetch,
} from "@connectrpc/connect/protocol";
import { contentTypeStreamProto } from "@connectrpc/connect/protocol-connect";
import { universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { Logger } from "pino";
import { RunnerService } from "#gen/runner/v1/runner_service_pb.js";
import { explainRefusal } from "#protocol/explain-refusal.ts";
import { signatureHeader } from "#protocol/signature.ts";
import { checkSignature, type SignatureCheck } from "./auth/check-signature.ts";
import { rpcInterceptors } from "./rpc-interceptors.ts";
import { maxBodyBytes, readBody } from "./server/read-body.ts";
import { type EventServer, serveEvents } from "./server/serve-events.ts";
import { writeConnectError } from "./server/write-error.ts";
import { version } from "./version.ts";

/** What the gateway's listener serves. */
export interface RunnerServerOptions {
  readonly routes: (router: ConnectRouter) => void;
  readonly signatures: SignatureCheck;
  readonly events: EventServer;
  readonly logger: Logger;
}

/**
 * The HTTP server that the gateway dials: RunnerService over Connect, every call signed, and /health for anybody. The
 * signature is checked over the raw body before anything is parsed.
 */
export function createRunnerServer(options: RunnerServerOptions): Server {
  const { routes, logger } = options;
  const router = createConnectRouter({
    readMaxBytes: maxBodyBytes,
    acceptCompression: [],
    jsonOptions: { ignoreUnknownFields: false },
    interceptors: rpcInterceptors(logger),
    grpc: false,
    grpcWeb: false,
  });
  routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const server = createServer((request, response) => {
    void serve(request, response, handlers, options).catch((error: unknown) => fail(request, response, error, logger));
  });
  // Longer than cloudflared keeps an idle connection, so that it is never closed under a request.
  server.keepAliveTimeout = 95_000;
  server.headersTimeout = 20_000;
  server.requestTimeout = 60_000;
  return server;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: ReadonlyMap<string, UniversalHandler>,
  { signatures, events }: RunnerServerOptions,
): Promise<void> {
  const { method = "", url = "/" } = request;
  const { pathname } = new URL(url, "http://runner");
  if (pathname === "/health" && (method === "GET" || method === "HEAD")) {
    writeJson(response, 200, { status: "ok", version });
    return;
  }
  const handler = handlers.get(pathname);
  if (handler === undefined) {
    writeJson(response, 404, { code: "unimplemented", message: "there is nothing at this path" });
    return;
  }
  const contentType = contentTypeOf(request);
  const body = await readBody(request);
  await checkSignature(signatures, { method, path: url, contentType, body }, headerOf(request, signatureHeader));
  if (pathname === streamEventsPath && contentType === contentTypeStreamProto && method === "POST") {
    await serveEvents(body, response, events);
    return;
  }
  const closed = new AbortController();
  response.once("close", () => closed.abort());
  const answer = await handler({
    httpVersion: request.httpVersion,
    method,
    url: new URL(url, "http://runner").toString(),
    header: new Headers(Object.entries(request.headersDistinct).flatMap(([name, values]) => headerPairs(name, values))),
    body: createAsyncIterable([body]),
    signal: closed.signal,
  });
  if (answer.status === 200) await universalResponseToNodeResponse(answer, response);
  else await writeRefusal(response, await explainRefusal(universalServerResponseToFetch(answer)));
}

async function writeRefusal(response: ServerResponse, refusal: Response): Promise<void> {
  response.writeHead(refusal.status, [...refusal.headers].flat());
  response.end(await refusal.bytes());
}

const streamEventsPath = `/${RunnerService.typeName}/${RunnerService.method.streamEvents.name}`;

function fail(request: IncomingMessage, response: ServerResponse, error: unknown, logger: Logger): void {
  if (!(error instanceof ConnectError)) logger.error({ err: error, url: request.url }, "request failed");
  else if (error.code === Code.Unauthenticated) logger.warn({ url: request.url, problem: error.rawMessage }, "refused");
  if (response.headersSent) {
    // The stream is cut, not ended: its reader asks again from where it is.
    response.destroy();
    return;
  }
  // What is left of the body is thrown away, within the request's timeout: a connection that is closed on somebody who
  // still sends takes the answer with it.
  if (!request.complete) request.resume();
  const known = error instanceof ConnectError ? error : new ConnectError("internal error", Code.Internal);
  writeConnectError(response, contentTypeOf(request), known);
}

function writeJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(value));
}

function contentTypeOf(request: IncomingMessage): string {
  return headerOf(request, "content-type") ?? "";
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  return request.headersDistinct[name]?.join(", ");
}

function headerPairs(name: string, values: readonly string[] = []): [string, string][] {
  return values.map((value) => [name, value]);
}
