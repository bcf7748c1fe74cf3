import type { StreamEvent } from "./events.ts";
import { streamedBody } from "./streamed-body.ts";

/** Forms a stream can take. */
export type StreamFormat = "sse" | "ndjson";

/** The form that the caller accepts: Server-Sent Events, unless it asks for newline-delimited JSON. */
export function acceptedFormat({ headers }: Request): StreamFormat {
  return headers.get("accept")?.includes("application/x-ndjson") ? "ndjson" : "sse";
}

/** A response whose body grows with the events, at the pace of its reader. `stop` is called when the reader leaves. */
export function streamResponse(
  batches: AsyncIterable<readonly StreamEvent[]>,
  { format, stop }: { format: StreamFormat; stop: () => void },
): Response {
  const body = streamedBody(format === "sse" ? encodeSse(batches) : encodeNdjson(batches), stop);
  return new Response(body, {
    headers: {
      "content-type": `${typeByFormat[format]}; charset=utf-8`,
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    },
  });
}

const typeByFormat = { sse: "text/event-stream", ndjson: "application/x-ndjson" } as const;
const encoder = new TextEncoder();

async function* encodeSse(batches: AsyncIterable<readonly StreamEvent[]>) {
  // The reader sees at once that the stream is open, and an EventSource how soon to come back after a cut.
  yield encoder.encode("retry: 2000\n\n");
  for await (const events of batches) yield encoder.encode(events.map(toSse).join(""));
}

async function* encodeNdjson(batches: AsyncIterable<readonly StreamEvent[]>) {
  for await (const events of batches) yield encoder.encode(events.map(toNdjson).join(""));
}

function toSse({ name, id, data }: StreamEvent): string {
  const place = id === undefined ? "" : `id: ${id}\n`;
  return `${place}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function toNdjson({ name, id, data }: StreamEvent): string {
  return `${JSON.stringify({ event: name, ...(id === undefined ? {} : { id }), ...data })}\n`;
}
