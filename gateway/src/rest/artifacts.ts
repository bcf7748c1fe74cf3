import { type Artifact, ArtifactSchema } from "#gen/job/v1/job_event_pb.js";
import { problemError } from "#protocol/problem.ts";
import { artifactNotFound } from "../job/job-refusals.ts";
import { invalidField } from "./fields.ts";
import { toJson } from "./json.ts";
import { Query } from "./query.ts";
import type { RestCall, Route } from "./route.ts";
import { streamedBody } from "./streamed-body.ts";

/** The routes that list what was collected from a job's workspace, and hand over each file. */
export const artifactRoutes: readonly Route[] = [
  { method: "GET", path: "/api/jobs/:id/artifacts", handle: listArtifacts },
  { method: "GET", path: "/api/jobs/:id/artifacts/*", handle: readArtifact },
];

async function listArtifacts({ url, jobs, id }: RestCall): Promise<Response> {
  new Query(url.searchParams, []);
  const { artifacts } = await jobs.listArtifacts({ id });
  return Response.json({ artifacts: artifacts.map((artifact) => toJson(ArtifactSchema, artifact)) });
}

/** The whole file, or what is wanted of it from a byte on; other ranges are answered with the whole, as they may be. */
async function readArtifact(call: RestCall): Promise<Response> {
  const { request, jobs, id, part } = call;
  new Query(call.url.searchParams, []);
  const path = decodePath(part);
  const { artifacts } = await jobs.listArtifacts({ id });
  const artifact = artifacts.find((one) => one.path === path);
  if (artifact === undefined) throw problemError(artifactNotFound(path));
  const size = Number(artifact.size);
  const headers = headersOf(artifact);
  const etag = headers.get("etag");
  if (request.headers.get("if-none-match") === etag) return new Response(null, { status: 304, headers });
  const offset = [null, etag].includes(request.headers.get("if-range")) ? firstByte(request) : 0;
  if (offset > 0) headers.set("content-range", `bytes ${offset < size ? `${offset}-${size - 1}` : "*"}/${size}`);
  if (offset > 0 && offset >= size) return new Response(null, { status: 416, headers });
  const status = offset > 0 ? 206 : 200;
  if (request.method === "HEAD") return new Response(null, { status, headers });
  return new Response(await openBody(call, path, { offset, length: size - offset }), { status, headers });
}

function decodePath(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalidField("path", "must be percent-encoded UTF-8");
  }
}

function headersOf({ path, sha256 }: Artifact): Headers {
  const digest = Array.from(sha256, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const name = path.slice(path.lastIndexOf("/") + 1);
  const encoded = encodeURIComponent(name).replace(/['()*!]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`);
  return new Headers({
    "content-type": "application/octet-stream",
    "content-disposition": `attachment; filename="${name.replace(/[^ !#-[\]-~]/g, "_")}"; filename*=UTF-8''${encoded}`,
    etag: `"${digest}"`,
    "accept-ranges": "bytes",
    "cache-control": "private, no-cache",
  });
}

/** Where the range that is wanted begins; 0 when none is, or one that is not served. */
function firstByte({ headers }: Request): number {
  const [, first = "0"] = /^bytes=([0-9]{1,15})-$/.exec(headers.get("range")?.trim() ?? "") ?? [];
  return Number(first);
}

/** A body of known length. What refuses the whole is thrown before the answer begins. */
async function openBody(
  { request, jobs, id }: RestCall,
  path: string,
  { offset, length }: { readonly offset: number; readonly length: number },
): Promise<ReadableStream> {
  const stop = new AbortController();
  const signal = AbortSignal.any([request.signal, stop.signal]);
  const parts = jobs.readArtifact({ id, path, offset: BigInt(offset) }, { signal })[Symbol.asyncIterator]();
  let next = await parts.next();
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (; !next.done; next = await parts.next()) yield next.value.data;
  }
  const { readable, writable } = new FixedLengthStream(length);
  // Whoever reads sees a body that breaks off.
  streamedBody(pieces(), () => stop.abort())
    .pipeTo(writable)
    .catch(() => undefined);
  return readable;
}
