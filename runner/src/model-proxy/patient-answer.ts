import { once } from "node:events";
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { type ApiError, errorBody, writeApiError } from "./api-error.ts";

/**
 * The answer to an agent that may have to wait for it, for as long as a person takes. Agents give up on a model that keeps
 * silent for some minutes. So a long wait begins the answer and fills it with what means nothing.
 */
export class PatientAnswer {
  readonly #response: ServerResponse;
  readonly #filler: Filler;
  readonly #timer: NodeJS.Timeout;

  constructor(response: ServerResponse, { isStream, fillMs }: { isStream: boolean; fillMs: number }) {
    this.#response = response;
    this.#filler = isStream ? streamFiller : bodyFiller;
    this.#timer = setInterval(() => this.#fill(), fillMs);
  }

  /** The provider's answer begins. */
  begin(status: number, headers: OutgoingHttpHeaders): void {
    this.stopWaiting();
    if (this.#response.headersSent) return;
    this.#response.writeHead(status, headers);
    this.#response.flushHeaders();
  }

  /** Hands on a piece of it as soon as the agent has taken those before. */
  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    if (!this.#response.write(bytes)) await once(this.#response, "drain", { signal });
  }

  end(): void {
    this.#response.end();
  }

  /** Breaks the answer off, as the provider did. */
  cut(): void {
    this.#response.destroy();
  }

  /** Fills nothing in any more. */
  stopWaiting(): void {
    clearInterval(this.#timer);
  }

  /** Answers with an error of our own. */
  fail(error: ApiError): void {
    this.stopWaiting();
    if (this.#response.headersSent) this.#failLate(Buffer.from(errorBody(error)));
    else writeApiError(this.#response, error);
  }

  /** Hands on an error of the provider's. */
  refuse(status: number, headers: OutgoingHttpHeaders, body: Uint8Array): void {
    this.stopWaiting();
    if (this.#response.headersSent) this.#failLate(body);
    else this.#response.writeHead(status, headers).end(body);
  }

  /** The answer has begun as a good one: only its body can still tell. */
  #failLate(body: Uint8Array): void {
    this.#response.end(this.#filler.error(body));
  }

  #fill(): void {
    const { contentType, nothing } = this.#filler;
    if (!this.#response.headersSent) this.#response.writeHead(200, { "content-type": contentType });
    this.#response.write(nothing);
  }
}

interface Filler {
  readonly contentType: string;
  readonly nothing: string;
  readonly error: (body: Uint8Array) => Uint8Array;
}

const streamFiller: Filler = {
  contentType: "text/event-stream; charset=utf-8",
  nothing: 'event: ping\ndata: {"type": "ping"}\n\n',
  error: (body) => Buffer.from(`event: error\ndata: ${Buffer.from(body).toString().replace(/\s+/g, " ")}\n\n`),
};

const bodyFiller: Filler = { contentType: "application/json", nothing: " ", error: (body) => body };
