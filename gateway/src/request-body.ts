import { maxBodyBytes } from "./auth/origin.ts";

/** How much of a body past the limit is still read. */
const maxDroppedBytes = 16 * 1024 * 1024;

/**
 * The chunks of a request's body, never canceled. Of a body past the limit, which its reader is going to refuse, the rest is
 * read and dropped first: a refusal is lost when the connection closes while the caller still writes.
 */
export async function* readChunks(
  body: ReadableStream<Uint8Array> | null,
  limit = maxBodyBytes,
): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  let bytes = 0;
  for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) {
    bytes += next.value.length;
    if (reader !== undefined && bytes > limit) await dropRest(reader);
    yield next.value;
  }
}

async function dropRest(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  for (let bytes = 0; bytes < maxDroppedBytes; ) {
    const next = await reader.read();
    if (next.done) return;
    bytes += next.value.length;
  }
}
