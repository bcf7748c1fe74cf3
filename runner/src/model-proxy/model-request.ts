import type { IncomingMessage } from "node:http";
import { JsonFields, parseJson } from "./json-fields.ts";
import { costOf } from "./prices.ts";

/** What is known of a request to the model before it is answered. */
export interface ModelRequest {
  readonly body: Uint8Array;
  readonly isStream: boolean;
  /** The most that it can cost. */
  readonly worstMicros: number;
}

/** More than the API takes. */
export const maxRequestBytes = 32 << 20;

/** Reads a request; undefined when its body is too large. */
export async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Not destroyed on leaving: the caller is still to be answered.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxRequestBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Reads what a body asks for. What is wrong with it the API says better. */
export function readModelRequest(body: Uint8Array): ModelRequest {
  const fields = new JsonFields(parseJson(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()));
  const inputTokens = Math.ceil(body.length / leastBytesPerToken);
  const worst = costOf(fields.text("model"), {
    inputTokens: 0,
    outputTokens: fields.count("max_tokens"),
    cacheReadTokens: 0,
    cacheWriteTokens: inputTokens,
    hourCacheWriteTokens: inputTokens,
    webSearches: 0,
    isFast: fields.text("speed") === "fast",
    isUsOnly: fields.text("inference_geo") === "us",
  });
  return { body, isStream: fields.flag("stream"), worstMicros: worst.micros };
}

/** Dense text takes about three bytes a token. */
const leastBytesPerToken = 3;
