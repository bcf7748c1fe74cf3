import { Code, type ConnectError } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import { maxBodyBytes, tooLarge, unsupportedMediaType } from "../auth/origin.ts";
import { readChunks } from "../request-body.ts";

/** The JSON object that a request carries. Of a body past the limit no more is kept than the limit. */
export async function readJsonObject(request: Request): Promise<JsonFields> {
  return parseObject(await readBytes(request), request.headers);
}

/** As readJsonObject, and an empty object for a request without a body. */
export async function readOptionalJsonObject(request: Request): Promise<JsonFields> {
  const bytes = await readBytes(request);
  return bytes.length === 0 ? {} : parseObject(bytes, request.headers);
}

/** The fields of a JSON object, none of them looked at. */
export type JsonFields = Readonly<Record<string, unknown>>;

async function readBytes(request: Request): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of readChunks(request.body)) {
    length += chunk.length;
    if (length > maxBodyBytes) throw tooLarge(length, maxBodyBytes);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function parseObject(bytes: Uint8Array, headers: Headers): JsonFields {
  if (!/^application\/json\b/i.test(headers.get("content-type") ?? "")) {
    throw unsupportedMediaType("a body without a content type", 'Send "Content-Type: application/json".');
  }
  if (bytes.length === 0) throw malformed("the body is empty");
  const value = parseJson(bytes);
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject) throw malformed("the body is not a JSON object");
  return { ...value };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch (error) {
    throw malformed("the body is not JSON in UTF-8", error);
  }
}

function malformed(message: string, cause?: unknown): ConnectError {
  return problemError({
    code: Code.InvalidArgument,
    reason: ProblemReason.MALFORMED_REQUEST,
    message,
    action: 'Send a JSON object, such as {"type":"task","repo_ref":"test","command":"echo hello"}.',
    cause,
  });
}
