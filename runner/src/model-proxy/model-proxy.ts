import type { IncomingMessage, ServerResponse } from "node:http";
import { writeApiError } from "./api-error.ts";
import { Budget, type BudgetOptions } from "./budget.ts";
import { countPath, exchange, type MeteredMessage } from "./exchange.ts";
import type { ModelAddress, ModelDoor } from "./model-door.ts";
import type { ModelSettings } from "./model-settings.ts";
import { type Closing, RateLimitGate } from "./rate-limit-gate.ts";
import { Upstream } from "./upstream.ts";

/** What a job's proxy needs. */
export interface ModelProxyOptions {
  readonly settings: ModelSettings & { readonly apiKey: string };
  /** How long the agent hears nothing before it is told that it waits. */
  readonly fillMs: number;
  /** Where its agent knocks. */
  readonly door: ModelDoor;
  readonly budget: BudgetOptions;
  readonly onMessage: (message: MeteredMessage) => void;
  /** The provider takes no requests for a while; answers what to do when it does again. */
  readonly onRateLimit: (closing: Closing) => () => void;
}

/**
 * The way of one job's agent to its model. The agent has an address on this machine and a token that is worth nothing; the
 * operator's key is added here, where what requests cost is counted and bounded, too.
 */
export class ModelProxy {
  readonly #options: ModelProxyOptions;
  readonly #budget: Budget;
  readonly #gate: RateLimitGate;
  readonly #upstream: Upstream;
  readonly #end = new AbortController();
  readonly #exchanges = new Set<Promise<void>>();

  constructor(options: ModelProxyOptions) {
    this.#options = options;
    this.#budget = new Budget(options.budget);
    this.#gate = new RateLimitGate({ onClosed: options.onRateLimit, now: Date.now, random: Math.random });
    this.#upstream = new Upstream(options.settings);
    options.door.serve((request, response) => this.#own(this.#answer(request, response)));
  }

  /** What the agent gives as its key. */
  get token(): string {
    return this.#options.door.token;
  }

  /** Begins to listen, once. A socket whose path is longer than the system takes becomes a port of loopback. */
  listen(place: "socket" | "loopback"): Promise<ModelAddress> {
    return this.#options.door.open(place);
  }

  /** Cuts every request, tells what they took, and leaves nothing. */
  async close(): Promise<void> {
    this.#end.abort();
    this.#options.door.close();
    await Promise.all(this.#exchanges);
    this.#gate.end();
    this.#upstream.close();
  }

  #own(work: Promise<void>): Promise<void> {
    this.#exchanges.add(work);
    return work.finally(() => this.#exchanges.delete(work));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isServed(request)) {
      writeApiError(response, notServed);
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
}

function isServed({ method, url }: IncomingMessage): boolean {
  const path = url?.split("?")[0] ?? "";
  return method === "POST" && (path === "/v1/messages" || path === countPath);
}

const notServed = {
  status: 404,
  type: "not_found_error",
  message: "Only POST /v1/messages and its count_tokens are served.",
};
