import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { text as readText } from "node:stream/consumers";
import type { Served } from "./play.ts";
import { type ModelRequest, parseModelRequest } from "./request.ts";

/** One request as it came in, and what it was given. */
export interface RecordedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The request as a script sees it; undefined for what is no call of the model. */
  readonly call: ModelRequest | undefined;
  /** Undefined until the last byte was sent or the connection was lost. */
  readonly served: Served | undefined;
}

/** Every request in order of arrival, with a way to wait for what is still to come. */
export interface RequestLog {
  readonly requests: readonly RecordedRequest[];
  /** Note an arrival; the returned function notes what it was given. */
  add(request: Omit<RecordedRequest, "served">): (served: Served) => void;
  /** Resolves as soon as the requests fulfil the condition. */
  until(condition: (requests: readonly RecordedRequest[]) => boolean): Promise<void>;
}

/** An empty log. */
export function createRequestLog(): RequestLog {
  const requests: RecordedRequest[] = [];
  const waiting = new Set<() => void>();
  const announce = (): void => {
    for (const look of waiting) look();
  };
  return {
    requests,
    add(request) {
      const position = requests.push({ ...request, served: undefined }) - 1;
      announce();
      return (served) => {
        requests[position] = { ...request, served };
        announce();
      };
    },
    until(condition) {
      return new Promise((resolve) => {
        const look = (): void => {
          if (!condition(requests)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      });
    },
  };
}

/** Read a request to its end. */
export async function readRequest(request: IncomingMessage): Promise<Omit<RecordedRequest, "served">> {
  const { method = "", url: target = "", headers } = request;
  const body = await readText(request);
  return { method, target, headers, body, call: callOf(body, headers) };
}

function callOf(body: string, headers: IncomingHttpHeaders): ModelRequest | undefined {
  try {
    return parseModelRequest(JSON.parse(body), headers);
  } catch {
    // Not JSON: the log keeps the text.
    return undefined;
  }
}
