import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { toMessage } from "./message.ts";
import { aborted, nothing, playRefusal, playStream, playWhole, type Served } from "./play.ts";
import type { ModelRequest } from "./request.ts";
import { createRequestLog, type RecordedRequest, type RequestLog, readRequest } from "./request-log.ts";
import { backgroundTurn, inOrder, type Script } from "./script.ts";
import { refusal, type Turn } from "./turn.ts";

/** A stand-in of the Messages API that listens on loopback. */
export interface Model extends AsyncDisposable {
  /** What ANTHROPIC_BASE_URL is set to. */
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
  /** Resolves as soon as the requests fulfil the condition: at an arrival, or when one has been served. */
  readonly until: RequestLog["until"];
  /** Cut every connection and stop listening. */
  close(): Promise<void>;
}

/** Start a model that plays a script; a list of turns is played in order, by each session from the first. */
export async function startModel(options: { script: Script | readonly Turn[]; port?: number }): Promise<Model> {
  const { script, port = 0 } = options;
  const log = createRequestLog();
  const answerCall = callAnswerer(typeof script === "function" ? script : inOrder({ main: script, subagent: [] }));
  const server = createServer((request, response) => {
    receive(request, response).catch((error: unknown) => {
      response.destroy();
      throw error;
    });
  });

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const received = await readRequest(request).catch(() => undefined);
    // A caller that leaves before it has asked is nobody.
    if (received === undefined) return;
    const serve = log.add(received);
    response.setHeader("request-id", `req_${log.requests.length}`);
    serve(await respond(response, received, (call) => answerCall(response, call, gone.signal)));
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });

  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, requests: log.requests, until: log.until, close, [Symbol.asyncDispose]: close };
}

async function respond(
  response: ServerResponse,
  { method, target, body, call }: Omit<RecordedRequest, "served">,
  answerCall: (call: ModelRequest) => Promise<Served>,
): Promise<Served> {
  const route = `${method} ${target.split("?")[0]}`;
  if (route === "POST /v1/messages/count_tokens") return countTokens(response, body);
  if (route !== "POST /v1/messages") return playRefusal(response, refusal(404, "not_found_error"));
  if (call === undefined) return playRefusal(response, refusal(400, "invalid_request_error"));
  return answerCall(call);
}

/** Plays the script, and numbers the messages of each session from 1. */
function callAnswerer(script: Script) {
  const messagesBySession = new Map<string, number>();
  return async (response: ServerResponse, call: ModelRequest, signal: AbortSignal): Promise<Served> => {
    const turn = backgroundTurn(call) ?? script(call);
    switch (turn.kind) {
      case "refusal":
        return playRefusal(response, turn);
      case "silence":
        await aborted(signal);
        return { status: 0, usage: nothing, complete: false };
      case "answer": {
        const number = (messagesBySession.get(call.session) ?? 0) + 1;
        messagesBySession.set(call.session, number);
        const message = toMessage(turn, { number, model: call.model });
        return call.stream
          ? await playStream(response, { answer: turn, message, signal })
          : playWhole(response, turn, message);
      }
    }
  };
}

/** An estimate, as the API's is, and a steady one: four bytes a token. */
function countTokens(response: ServerResponse, body: string): Served {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ input_tokens: Math.ceil(body.length / 4) }));
  return { status: 200, usage: nothing, complete: true };
}
