import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";

/** Contents that a git host has for Git LFS, by their SHA-256 in hexadecimal. */
export type LfsObjects = ReadonlyMap<string, Buffer>;

interface Batch {
  readonly objects: readonly { readonly oid: string; readonly size: number }[];
}

/** Answers Git LFS, if it is what asks: where its contents are, and the contents. Whether it did. */
export async function answerLfs(
  request: IncomingMessage,
  response: ServerResponse,
  objects: LfsObjects,
): Promise<boolean> {
  const { url = "", headers } = request;
  const base = `http://${headers.host}`;
  const content = objects.get(/\/info\/lfs\/content\/([0-9a-f]{64})$/.exec(url)?.[1] ?? "");
  if (content !== undefined) {
    response.end(content);
    return true;
  }
  if (!url.endsWith("/info/lfs/objects/batch")) return false;
  const { objects: wanted } = (await json(request)) as Batch;
  const place = url.slice(0, -"/objects/batch".length);
  const answers = wanted.map(({ oid, size }) =>
    objects.has(oid)
      ? { oid, size, actions: { download: { href: `${base}${place}/content/${oid}` } } }
      : { oid, size, error: { code: 404, message: "no such object" } },
  );
  response.writeHead(200, { "content-type": "application/vnd.git-lfs+json" });
  response.end(JSON.stringify({ transfer: "basic", objects: answers }));
  return true;
}
