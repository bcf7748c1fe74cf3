import { type IncomingMessage, request as requestHttp, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import type { Target } from "./target.ts";

/** A request of a job's, and the host that is to answer it. */
export interface Forwarding {
  readonly target: Target;
  readonly path: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly upstream: Socket;
}

/** Sends a request on and brings the answer back, both as they come. */
export async function forwardRequest({ target, path, request, response, upstream }: Forwarding): Promise<void> {
  const sent = requestHttp({
    createConnection: () => upstream,
    method: request.method ?? "GET",
    path,
    headers: ["Host", hostHeader(target), ...passedHeaders(request), ...framing(request), "Connection", "close"],
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once("response", resolve).on("error", reject);
    sent.once("close", () => reject(new Error("the host hung up without an answer")));
  });
  // What fails shows in the answer; and one that came may cut the request.
  pipeline(request, sent).catch(() => undefined);
  const answer = await answered;
  response.writeHead(answer.statusCode ?? 502, [...passedHeaders(answer), "Connection", "close"]);
  await pipeline(answer, response);
}

/** The headers, with their values behind them, that are meant for the other end rather than for the next hop. */
function passedHeaders({ rawHeaders, headers }: IncomingMessage): string[] {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  const dropped = new Set([...hopByHop, ...named]);
  return rawHeaders.filter((_, at) => !dropped.has((rawHeaders[at - (at % 2)] ?? "").toLowerCase()));
}

/** A body of unknown length stays one. */
function framing({ headers }: IncomingMessage): string[] {
  return headers["transfer-encoding"] === undefined ? [] : ["Transfer-Encoding", "chunked"];
}

function hostHeader({ host, port }: Target): string {
  return port === 80 ? host : `${host}:${port}`;
}

const hopByHop = [
  "connection",
  "expect",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
