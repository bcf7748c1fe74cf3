import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { Socket } from "node:net";
import { type DialOptions, dial } from "./dial.ts";
import type { EgressPolicy } from "./egress-policy.ts";
import { forwardRequest } from "./forward-request.ts";
import { type ParsedRequest, parseRequest } from "./parse-request.ts";
import { malformed, notAllowed, type Refusal, statusOf } from "./refusal.ts";
import { carryTunnel } from "./tunnel.ts";

/** What a job's proxy needs. */
export interface EgressProxyOptions extends Omit<DialOptions, "connectMs"> {
  readonly policy: EgressPolicy;
  /** Whether people can let the job reach more: refusals say so. */
  readonly mayAllowMore: boolean;
  readonly limits: EgressLimits;
  readonly onRefused: (refusal: Refusal) => void;
}

/** What a job's connections may take. */
export interface EgressLimits {
  /** For a client to say what it wants, and once more to begin TLS. */
  readonly headMs: number;
  /** For a host to be found and to answer. */
  readonly connectMs: number;
  /** Without a byte either way. */
  readonly idleMs: number;
  /** Of a request without its body. */
  readonly headBytes: number;
  /** At once. */
  readonly connections: number;
}

/** What programs that run well never reach. */
export const egressLimits: EgressLimits = {
  headMs: 15_000,
  connectMs: 15_000,
  idleMs: 600_000,
  headBytes: 32 * 1024,
  connections: 256,
};

/**
 * The only way of a job to the network: an HTTP proxy that carries TLS to allowed hosts by CONNECT, and plain HTTP where a
 * rule names its port.
 */
export class EgressProxy {
  readonly #options: EgressProxyOptions;
  /** Parses requests; it listens nowhere. */
  readonly #http: HttpServer;
  /** Clients that have not said what they want, with the time that ends that. */
  readonly #silent = new Map<Socket, NodeJS.Timeout>();
  readonly #exchanges = new Set<Promise<void>>();
  readonly #sockets = new Set<Socket>();
  #isClosed = false;

  constructor(options: EgressProxyOptions) {
    this.#options = options;
    this.#http = createServer({ maxHeaderSize: options.limits.headBytes });
    this.#http.maxRequestsPerSocket = 1;
    this.#http.on("connect", (request, socket: Socket, head) => this.#own(socket, this.#tunnel(request, socket, head)));
    const forward = (request: IncomingMessage, response: ServerResponse) =>
      this.#own(request.socket, this.#forward(request, response));
    this.#http.on("request", forward).on("checkContinue", forward);
    this.#http.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
      answer(socket, error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400, "This is no request that an HTTP proxy takes.");
    });
  }

  /** Takes a connection of the job's. */
  accept(client: Socket): void {
    const { connections, headMs } = this.#options.limits;
    if (this.#isClosed) {
      client.destroy();
      return;
    }
    this.#hold(client);
    if (this.#silent.size + this.#exchanges.size >= connections) {
      answer(client, 503, `The job has ${connections} connections already.`);
      return;
    }
    const timer = setTimeout(() => answer(client, 408, "No request came."), headMs);
    this.#silent.set(client, timer);
    client.once("close", () => this.#heard(client));
    this.#http.emit("connection", client);
  }

  /** Cuts every connection and takes no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#exchanges);
  }

  /** Answers whether this is the first that the client says. */
  #heard(client: Socket): boolean {
    clearTimeout(this.#silent.get(client));
    return this.#silent.delete(client);
  }

  #hold(socket: Socket): void {
    this.#sockets.add(socket);
    socket.allowHalfOpen = true;
    socket.setTimeout(this.#options.limits.idleMs, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#sockets.delete(socket));
  }

  /** What goes wrong with one connection ends that one. */
  #own(client: Socket, exchange: Promise<void>): void {
    const owned = exchange.catch(() => void client.destroy()).finally(() => this.#exchanges.delete(owned));
    this.#exchanges.add(owned);
  }

  async #tunnel(request: IncomingMessage, client: Socket, head: Buffer): Promise<void> {
    const way = await this.#open(request, client);
    if (way.kind === "refused") {
      answer(client, statusOf(way.refusal), way.refusal.message);
      return;
    }
    client.write("HTTP/1.1 200 Connection established\r\n\r\n");
    const { upstream, asked } = way;
    const refusal = await carryTunnel({ ...asked, client, head, upstream, helloMs: this.#options.limits.headMs });
    if (refusal !== undefined) this.#options.onRefused(refusal);
    upstream.destroy();
    client.destroySoon();
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const way = await this.#open(request, request.socket);
    if (way.kind === "refused") {
      request.resume();
      response.writeHead(statusOf(way.refusal), { ...plainText, Connection: "close" }).end(`${way.refusal.message}\n`);
      return;
    }
    const { upstream, asked } = way;
    if (request.headers.expect !== undefined) response.writeContinue();
    await forwardRequest({ ...asked, request, response, upstream });
  }

  /** Decides over a request, and connects to its host when it may. Refusals are reported here. */
  async #open(request: IncomingMessage, client: Socket): Promise<Way> {
    if (!this.#heard(client)) throw new Error("a request came behind another");
    const asked = parseRequest(request);
    const way = await this.#dial(asked, client);
    // One that left did not learn of it.
    if (way.kind === "refused" && !client.destroyed) this.#options.onRefused(way.refusal);
    return way;
  }

  async #dial(asked: ParsedRequest, client: Socket): Promise<Way> {
    if (asked.kind === "malformed") return { kind: "refused", refusal: malformed(asked, asked.problem) };
    const { target } = asked;
    const { policy, limits } = this.#options;
    if (!policy.allows(target)) return { kind: "refused", refusal: notAllowed(target, this.#options) };
    const left = new AbortController();
    const leave = () => left.abort();
    client.once("close", leave);
    const dialed = await dial(target, { ...this.#options, connectMs: limits.connectMs }, left.signal);
    client.off("close", leave);
    if (dialed.kind === "refused") return dialed;
    this.#hold(dialed.socket);
    return { kind: "open", asked, upstream: dialed.socket };
  }
}

/** Where a request goes. */
type Way =
  | {
      readonly kind: "open";
      readonly asked: Extract<ParsedRequest, { kind: "target" }>;
      readonly upstream: Socket;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal };

const plainText = { "Content-Type": "text/plain; charset=utf-8" };

/** Answers a client with an error, and hangs up. */
function answer(client: Socket, status: number, message: string): void {
  const body = `${message}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${plainText["Content-Type"]}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  client.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  client.destroySoon();
}
