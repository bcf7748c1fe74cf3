import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { type ApiError, writeApiError } from "./api-error.ts";
import { Budget, type BudgetOptions } from "./budget.ts";
import { countPath, exchange, type MeteredMessage } from "./exchange.ts";
import type { ModelSettings } from "./model-settings.ts";
import { type Closing, RateLimitGate } from "./rate-limit-gate.ts";
import { Upstream } from "./upstream.ts";

/** What a job's proxy needs. */
export interface ModelProxyOptions {
  readonly settings: ModelSettings & { readonly apiKey: string };
  /** How long the agent hears nothing before it is told that it waits. */
  readonly fillMs: number;
  /** Where it listens when asked for a socket; absolute. */
  readonly socketPath: string;
  readonly budget: BudgetOptions;
  readonly onMessage: (message: MeteredMessage) => void;
  /** The provider takes no requests for a while; answers what to do when it does again. */
  readonly onRateLimit: (closing: Closing) => () => void;
}

/** Where an agent finds its model. */
export type ModelAddress =
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "loopback"; readonly url: string };

/**
 * The way of one job's agent to its model. The agent has an address on this machine and a token that is worth nothing; the
 * operator's key is added here, where what requests cost is counted and bounded, too.
 */
export class ModelProxy {
  /** What the agent gives as its key. */
  readonly token = randomBytes(24).toString("base64url");
  readonly #options: ModelProxyOptions;
  readonly #budget: Budget;
  readonly #gate: RateLimitGate;
  readonly #upstream: Upstream;
  readonly #end = new AbortController();
  readonly #exchanges = new Set<Promise<void>>();
  #server: Server | undefined;

  constructor(options: ModelProxyOptions) {
    this.#options = options;
    this.#budget = new Budget(options.budget);
    this.#gate = new RateLimitGate({ onClosed: options.onRateLimit, now: Date.now, random: Math.random });
    this.#upstream = new Upstream(options.settings);
  }

  /** Begins to listen, once. A socket whose path is longer than the system takes becomes a port of loopback. */
  async listen(place: "socket" | "loopback"): Promise<ModelAddress> {
    if (this.#server !== undefined) throw new Error("the model's proxy listens already");
    // An agent that comes back finds its connection open, however long it was busy elsewhere.
    const server = createServer({ keepAliveTimeout: 0, noDelay: true }, (request, response) =>
      this.#own(this.#answer(request, response)),
    );
    this.#server = server;
    const { socketPath } = this.#options;
    if (place === "socket" && Buffer.byteLength(socketPath) <= maxSocketPathBytes) {
      await listening(server, { path: socketPath });
      chmodSync(socketPath, 0o600);
      return { kind: "socket", path: socketPath };
    }
    await listening(server, { host: "127.0.0.1", port: 0 });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return { kind: "loopback", url: `http://127.0.0.1:${address.port}` };
  }

  /** Cuts every request, tells what they took, and leaves nothing. */
  async close(): Promise<void> {
    this.#end.abort();
    this.#server?.close();
    this.#server?.closeAllConnections();
    await Promise.all(this.#exchanges);
    this.#gate.end();
    this.#upstream.close();
    rmSync(this.#options.socketPath, { force: true });
  }

  #own(work: Promise<void>): void {
    this.#exchanges.add(work);
    void work.finally(() => this.#exchanges.delete(work));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const error = this.#refusal(request);
    if (error !== undefined) {
      writeApiError(response, error);
      return;
    }
    await exchange(request, response, {
      apiKey: this.#options.settings.apiKey,
      upstream: this.#upstream,
      gate: this.#gate,
      budget: this.#budget,
      fillMs: this.#options.fillMs,
      onMessage: this.#options.onMessage,
      signal: this.#end.signal,
    });
  }

  #refusal({ method, url, headers }: IncomingMessage): ApiError | undefined {
    if (!isSame(tokenOf(headers), this.token)) {
      const message = "This is not the key that the job was given.";
      return { status: 401, type: "authentication_error", message };
    }
    const path = url?.split("?")[0] ?? "";
    if (method === "POST" && (path === "/v1/messages" || path === countPath)) return undefined;
    return { status: 404, type: "not_found_error", message: "Only POST /v1/messages and its count_tokens are served." };
  }
}

/** Of the 108 bytes that Linux has, and the 104 of macOS, one ends the path. */
const maxSocketPathBytes = 103;

function listening(server: Server, place: { path: string } | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(place, resolve);
  });
}

function tokenOf(headers: IncomingHttpHeaders): string {
  const key = headers["x-api-key"];
  return typeof key === "string" ? key : (headers.authorization ?? "").replace(/^Bearer /i, "");
}

function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
