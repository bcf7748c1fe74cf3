import { gzipSync } from "node:zlib";
import type { RawRequest } from "../system/refusal.ts";
import { invalid, malformed } from "./answers.ts";

/** A request, and how it is answered. */
export type Row = readonly [what: string, path: string, request: RawRequest, answer: string];

const task = { type: "task", repo_ref: "test", command: "echo never" };
const create = "/blazecraft.job.v1.JobService/CreateJob";
const watch = "/blazecraft.job.v1.JobService/WatchJob";
const taskText = JSON.stringify(task);
const bomb = gzipSync(Buffer.alloc(50_000_000));
const fiveMegabytes = JSON.stringify({ ...task, command: "x".repeat(5_000_000) });
const inPieces = Array.from({ length: 80 }, (_, index) =>
  Buffer.from(fiveMegabytes.slice(index * 65_536, (index + 1) * 65_536)),
);

function post(body: NonNullable<RawRequest["body"]>, headers: RawRequest["headers"] = {}): RawRequest {
  return { method: "POST", headers: { "content-type": "application/json", ...headers }, body };
}

const typed = (type: string, body: NonNullable<RawRequest["body"]> = taskText) => post(body, { "content-type": type });
const foreignHost = "403 permission_denied foreign_host";
const foreignOrigin = "403 permission_denied foreign_origin";
const wrongType = "415 invalid_argument unsupported_media_type";
const tooLarge = "413 resource_exhausted request_too_large";

/** Requests that are refused for what they are, whatever they say. */
export const requests: readonly Row[] = [
  ...["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "[::ffff:127.0.0.1]"].flatMap(
    (host): Row[] => [
      [`a list asked of host ${host}`, "/api/jobs", { headers: { host } }, foreignHost],
      [`an RPC at host ${host}`, create, post("{}", { host }), foreignHost],
      [`a page of host ${host}`, "/", { headers: { host } }, foreignHost],
    ],
  ),
  ...["https://evil.example", "null", "http://localhost:1", "http://127.0.0.1.evil.example", "file://"].flatMap(
    (origin): Row[] => [
      [`a job created by a page of ${origin}`, "/api/jobs", post(taskText, { origin }), foreignOrigin],
      [`an RPC called by a page of ${origin}`, create, post("{}", { origin }), foreignOrigin],
      [`events read by a page of ${origin}`, "/api/events", { headers: { origin } }, foreignOrigin],
    ],
  ),
  ["a cross-site form", "/api/jobs", post(taskText, { "sec-fetch-site": "cross-site" }), foreignOrigin],
  [
    "a preflight of a foreign page",
    "/api/jobs",
    { method: "OPTIONS", headers: { origin: "https://evil.example", "access-control-request-method": "POST" } },
    foreignOrigin,
  ],
  ...["PUT", "PATCH", "DELETE", "PROPFIND"].map(
    (method): Row => [`${method} of the jobs`, "/api/jobs", { method }, "405 unimplemented unimplemented"],
  ),
  ["GET of an RPC that changes things", create, {}, "405"],
  ["PUT of an RPC", create, { ...post("{}"), method: "PUT" }, "405"],
  ["a path that leads nowhere", "/api/nothing", {}, "404 not_found not_found"],
  ["an RPC that is not there", "/blazecraft.job.v1.JobService/Nothing", post("{}"), "404 unimplemented"],
  ...[
    ...["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp"],
    ...["application/json; charset=utf-16", "application/json, text/plain", "application/grpc", ""],
  ].map((type): Row => [`a body of type "${type}"`, "/api/jobs", typed(type), wrongType]),
  ["a body without a type", "/api/jobs", { method: "POST", body: taskText }, wrongType],
  ["an RPC of type text/plain", create, typed("text/plain"), wrongType],
  ["a compression bomb", "/api/jobs", post(bomb, { "content-encoding": "gzip" }), wrongType],
  [
    "a compression bomb for an RPC",
    create,
    post(bomb, { "content-encoding": "gzip" }),
    wrongType.replace("415", "400"),
  ],
  [
    "a compression bomb for a stream",
    watch,
    post(bomb, { "content-type": "application/connect+json", "connect-content-encoding": "gzip" }),
    wrongType.replace("415", "200"),
  ],
  ["a body of 5 MB", "/api/jobs", post(fiveMegabytes), tooLarge],
  ["a body of 5 MB that does not say so", "/api/jobs", post(inPieces), tooLarge],
  ["an RPC of 5 MB", create, post(fiveMegabytes), tooLarge.replace("413", "429")],
  ["an RPC of 5 MB that does not say so", create, post(inPieces), tooLarge.replace("413", "429")],
  [
    "a stream asked for with 5 MB",
    watch,
    typed("application/connect+json", fiveMegabytes),
    tooLarge.replace("413", "200"),
  ],
  ...["", "null", "[]", "5", "{", `${taskText}x`, '{"a":'.repeat(100_000), "[".repeat(100_000)].flatMap(
    (body): Row[] => [
      [`a body ${body.slice(0, 20)}`, "/api/jobs", post(body), malformed],
      ...(body === "" ? [] : [[`an RPC ${body.slice(0, 20)}`, create, post(body), malformed] as const]),
    ],
  ),
  ["a body that is no UTF-8", "/api/jobs", post(Buffer.from(taskText.replace("never", "\xff"), "latin1")), malformed],
  ["an RPC with an unknown field", create, post('{"spec":{"repoRef":"test","task":{"comand":"a"}}}'), malformed],
  ["an RPC with a field of another type", create, post('{"spec":5}'), malformed],
  ["an RPC with __proto__", create, post('{"__proto__":{}}'), malformed],
  ["truncated protobuf", create, typed("application/proto", Buffer.from([0x0a, 0xff, 0xff])), malformed],
  ["deeply nested protobuf", create, typed("application/proto", Buffer.alloc(1000, 0x0b)), malformed],
  ...["Bearer bc_nobody_secret", "Bearer ", "Basic eDp5"].map(
    (authorization): Row => [
      `credentials "${authorization}"`,
      "/api/jobs",
      { headers: { authorization } },
      "401 unauthenticated unauthenticated",
    ],
  ),
  [
    "an API key that nobody has",
    "/api/jobs",
    { headers: { "x-api-key": "bc_a_b" } },
    "401 unauthenticated unauthenticated",
  ],
  ...["", "two words", "x".repeat(256), "ü"].map(
    (key): Row => [
      `the key "${key.slice(0, 20)}"`,
      "/api/jobs",
      post(taskText, { "idempotency-key": key }),
      invalid("Idempotency-Key"),
    ],
  ),
];
