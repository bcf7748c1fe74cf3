import { Agent as HttpAgent, type IncomingMessage, type OutgoingHttpHeaders, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";

/** A request as it goes to the provider. */
export interface UpstreamRequest {
  /** Path and query. */
  readonly target: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Uint8Array;
}

/** The provider kept silent for longer than it may. */
export class SilentUpstream extends Error {}

/** What is not asked for yet stays with the system, where it costs nothing until it is read at once. */
const connections = { keepAlive: true, noDelay: true, highWaterMark: 1 };

/** The provider of models, over connections that are kept. */
export class Upstream {
  readonly #baseUrl: string;
  readonly #silenceMs: number;
  readonly #http = new HttpAgent(connections);
  readonly #https = new HttpsAgent(connections);

  constructor({ baseUrl, silenceMs }: { baseUrl: string; silenceMs: number }) {
    this.#baseUrl = baseUrl.replace(/\/+$/, "");
    this.#silenceMs = silenceMs;
  }

  /** Sends a request, and answers once the head of the answer is there. Its body breaks off when the provider falls silent. */
  send({ target, headers, body }: UpstreamRequest, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const url = this.#baseUrl + target;
      const options = { method: "POST", headers, signal, timeout: this.#silenceMs };
      const request = url.startsWith("https:")
        ? requestHttps(url, { ...options, agent: this.#https }, resolve)
        : requestHttp(url, { ...options, agent: this.#http }, resolve);
      request.once("error", reject);
      request.once("timeout", () => request.destroy(new SilentUpstream(`nothing came for ${this.#silenceMs} ms`)));
      request.end(body);
    });
  }

  /** Cuts what is open. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}
