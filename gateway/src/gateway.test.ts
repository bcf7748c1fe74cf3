import { create, type JsonValue } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { errorFromJson } from "@connectrpc/connect/protocol-connect";
import { expect, test } from "vitest";
import { CheckRunnerResponseSchema } from "#gen/fleet/v1/fleet_service_pb.js";
import { type Job, JobSchema, JobState, PendingReason } from "#gen/job/v1/job_pb.js";
import type { CreateJobRequest, ListJobsRequest } from "#gen/job/v1/job_service_pb.js";
import { ProblemReason, ProblemSchema } from "#gen/job/v1/problem_pb.js";
import { newApiKey, parseApiKeys } from "#protocol/api-key.ts";
import { problemError } from "#protocol/problem.ts";
import { openLocalGateway } from "./local-gateway.ts";
import type { Services } from "./rpc.ts";

const home = "http://127.0.0.1:8788";
const jobId = "job_0123456789abcdef";
const json = { "content-type": "application/json" };
const task = { type: "task", repo_ref: "test", command: "echo hello" };

interface BadRequest {
  readonly path?: string;
  readonly method?: string;
  readonly origin?: string;
  readonly headers?: Record<string, string>;
  readonly body?: BodyInit;
  readonly status: number;
  readonly reason: string;
  readonly field?: string;
}

const post = (change: object): string => JSON.stringify({ ...task, ...change });
const bad = { status: 400, reason: "invalid_field" };
const malformed = { status: 400, reason: "malformed_request" };
const unsupported = { status: 415, reason: "unsupported_media_type" };
const foreign = { status: 403, reason: "foreign_origin" };

test.each<[string, BadRequest]>([
  ["a rebound host", { origin: "http://evil.example:8788", status: 403, reason: "foreign_host" }],
  ["a host that begins like ours", { origin: "http://127.0.0.1.evil.example", status: 403, reason: "foreign_host" }],
  ["another name of loopback", { origin: "http://localtest.me", status: 403, reason: "foreign_host" }],
  ["the host of all addresses", { origin: "http://0.0.0.0:8788", status: 403, reason: "foreign_host" }],
  ["a foreign origin", { headers: { ...json, origin: "https://evil.example" }, ...foreign }],
  ["the null origin", { headers: { ...json, origin: "null" }, ...foreign }],
  ["our host on another port as origin", { headers: { ...json, origin: "http://127.0.0.1:9999" }, ...foreign }],
  ["our origin over https", { headers: { ...json, origin: "https://127.0.0.1:8788" }, ...foreign }],
  ["a foreign origin that only reads", { method: "GET", headers: { origin: "https://evil.example" }, ...foreign }],
  ["a post across sites without an origin", { headers: { ...json, "sec-fetch-site": "cross-site" }, ...foreign }],
  ["a form", { headers: { "content-type": "application/x-www-form-urlencoded" }, body: "a=b", ...unsupported }],
  ["a form with files", { headers: { "content-type": "multipart/form-data; boundary=x" }, body: "x", ...unsupported }],
  ["plain text", { headers: { "content-type": "text/plain" }, ...unsupported }],
  ["JSON in disguise", { headers: { "content-type": "text/plain; application/json" }, ...unsupported }],
  ["no content type", { headers: {}, body: new TextEncoder().encode(JSON.stringify(task)), ...unsupported }],
  ["gzip", { headers: { ...json, "content-encoding": "gzip" }, ...unsupported }],
  ["brotli", { headers: { ...json, "content-encoding": "br" }, ...unsupported }],
  ["an empty body", { body: "", ...malformed }],
  ["a list", { body: "[]", ...malformed }],
  ["null", { body: "null", ...malformed }],
  ["half an object", { body: '{"type":"task"', ...malformed }],
  ["bytes that are no UTF-8", { body: new Uint8Array([0x22, 0xff, 0x22]), ...malformed }],
  ["100,000 nested lists", { body: "[".repeat(100_000), ...malformed }],
  ["an unknown field", { body: post({ comand: "x" }), ...malformed, field: "comand" }],
  ["a prototype key", { body: '{"__proto__":{"type":"task"}}', ...bad, field: "type" }],
  [
    "a prototype key beside the rest",
    { body: `{"__proto__":{},${post({}).slice(1)}`, ...malformed, field: "__proto__" },
  ],
  ["a prototype key as variable", { body: post({}).replace("}", ',"env":{"__proto__":"x"}}'), ...bad, field: "env" }],
  ["a constructor as label", { body: post({ labels: { constructor: "x" } }), ...bad, field: "labels" }],
  ["no type", { body: post({ type: undefined }), ...bad, field: "type" }],
  ["a type that is a number", { body: post({ type: 1 }), ...bad, field: "type" }],
  [
    "a type that is no name",
    { body: JSON.stringify({ type: "Cl aude", repo_ref: "x", prompt: "x" }), ...bad, field: "type" },
  ],
  ["no repo_ref", { body: post({ repo_ref: undefined }), ...bad, field: "repo_ref" }],
  ["an option as repo_ref", { body: post({ repo_ref: "--upload-pack=x" }), ...bad, field: "repo_ref" }],
  ["a repo_ref with a space", { body: post({ repo_ref: "a b" }), ...bad, field: "repo_ref" }],
  ["a repo_ref of 513 characters", { body: post({ repo_ref: "a".repeat(513) }), ...bad, field: "repo_ref" }],
  ["no command", { body: post({ command: undefined }), ...bad, field: "command" }],
  ["an empty command", { body: post({ command: "" }), ...bad, field: "command" }],
  ["a blank command", { body: post({ command: " \n\t" }), ...bad, field: "command" }],
  ["a command with a NUL", { body: post({ command: "echo \u0000" }), ...bad, field: "command" }],
  ["a command of 64 KiB and one byte", { body: post({ command: "x".repeat(65_537) }), ...bad, field: "command" }],
  [
    "half a surrogate pair",
    { body: String.raw`{"type":"task","repo_ref":"x","command":"\ud800"}`, ...bad, field: "command" },
  ],
  ["a command and an argv", { body: post({ argv: ["ls"] }), ...bad, field: "argv" }],
  ["an empty argv", { body: post({ command: undefined, argv: [] }), ...bad, field: "argv" }],
  ["an argv without a program", { body: post({ command: undefined, argv: [""] }), ...bad, field: "argv" }],
  ["an argv with a number", { body: post({ command: undefined, argv: ["ls", 1] }), ...bad, field: "argv[1]" }],
  ["a prompt for a task", { body: post({ prompt: "x" }), ...malformed, field: "prompt" }],
  ["a command for an agent", { body: post({ type: "claude", prompt: "x" }), ...malformed, field: "command" }],
  ["an agent without a prompt", { body: JSON.stringify({ type: "claude", repo_ref: "x" }), ...bad, field: "prompt" }],
  [
    "an unknown permission mode",
    {
      body: JSON.stringify({ type: "claude", repo_ref: "x", prompt: "x", permission_mode: "yolo" }),
      ...bad,
      field: "permission_mode",
    },
  ],
  ["a name with a line end", { body: post({ name: "a\nb" }), ...bad, field: "name" }],
  ["a priority past its limit", { body: post({ priority: 101 }), ...bad, field: "priority" }],
  ["a priority past 32 bits", { body: post({ priority: 2 ** 40 }), ...bad, field: "priority" }],
  ["half a priority", { body: post({ priority: 0.5 }), ...bad, field: "priority" }],
  ["a timeout that is a string", { body: post({ timeout_ms: "1000" }), ...bad, field: "timeout_ms" }],
  ["a timeout under a second", { body: post({ timeout_ms: 999 }), ...bad, field: "timeout_ms" }],
  ["a timeout past a week", { body: post({ timeout_ms: 604_800_001 }), ...bad, field: "timeout_ms" }],
  ["a negative timeout", { body: post({ idle_timeout_ms: -1 }), ...bad, field: "idle_timeout_ms" }],
  ["a log limit that is too small", { body: post({ max_log_bytes: 1 }), ...bad, field: "max_log_bytes" }],
  ["a negative budget", { body: post({ budget_usd: -1 }), ...bad, field: "budget_usd" }],
  ["a variable that loads code", { body: post({ env: { LD_PRELOAD: "x" } }), ...bad, field: "env" }],
  ["a variable with a NUL", { body: post({ env: { A: "\u0000" } }), ...bad, field: "env[A]" }],
  ["a variable that is an object", { body: post({ env: { A: {} } }), ...bad, field: "env.A" }],
  ["labels as a list", { body: post({ labels: ["a"] }), ...bad, field: "labels" }],
  ["a malformed runner label", { body: post({ runner_labels: ["A B"] }), ...bad, field: "runner_labels[0]" }],
  [
    "an idempotency key with a space",
    { headers: { ...json, "idempotency-key": "a b" }, ...bad, field: "Idempotency-Key" },
  ],
  ["an empty idempotency key", { headers: { ...json, "idempotency-key": "" }, ...bad, field: "Idempotency-Key" }],
  [
    "a long idempotency key",
    { headers: { ...json, "idempotency-key": "a".repeat(256) }, ...bad, field: "Idempotency-Key" },
  ],
  ["a malformed id", { method: "GET", path: "/api/jobs/..%2f..%2fetc", ...bad, field: "id" }],
  ["an id of another kind", { method: "GET", path: "/api/jobs/ask_0123456789abcdef", ...bad, field: "id" }],
  ["an id in capitals", { method: "GET", path: `/api/jobs/${jobId.toUpperCase()}`, ...bad, field: "id" }],
  ["a negative limit", { method: "GET", path: "/api/jobs?limit=-1", ...bad, field: "limit" }],
  ["a limit of 0", { method: "GET", path: "/api/jobs?limit=0", ...bad, field: "limit" }],
  ["a limit past 200", { method: "GET", path: "/api/jobs?limit=201", ...bad, field: "limit" }],
  ["an unknown parameter", { method: "GET", path: "/api/jobs?size=1", ...bad, field: "size" }],
  ["an unknown status", { method: "GET", path: "/api/jobs?status=done", ...bad, field: "status" }],
  ["a time that is none", { method: "GET", path: "/api/jobs?created_after=yesterday", ...bad, field: "created_after" }],
  [
    "a long page token",
    { method: "GET", path: `/api/jobs?page_token=${"x".repeat(129)}`, ...bad, field: "page_token" },
  ],
  [
    "a cursor that is no number",
    { method: "GET", path: `/api/jobs/${jobId}/events?after=abc`, ...bad, field: "after" },
  ],
  ["a negative cursor", { method: "GET", path: `/api/jobs/${jobId}/events?after=-1`, ...bad, field: "after" }],
  [
    "a cursor past 32 bits",
    { method: "GET", path: `/api/jobs/${jobId}/events?after=4294967296`, ...bad, field: "after" },
  ],
  [
    "a Last-Event-ID that is none",
    {
      method: "GET",
      path: `/api/jobs/${jobId}/events`,
      headers: { "last-event-id": "1;2" },
      ...bad,
      field: "Last-Event-ID",
    },
  ],
  ["a wait without a unit", { method: "GET", path: `/api/jobs/${jobId}?wait=30`, ...bad, field: "wait" }],
  ["a wait past a minute", { method: "GET", path: `/api/jobs/${jobId}?wait=61s`, ...bad, field: "wait" }],
  ["a stream that is none", { method: "GET", path: `/api/jobs/${jobId}/logs?stream=stdin`, ...bad, field: "stream" }],
  [
    "lines backwards",
    { method: "GET", path: `/api/jobs/${jobId}/logs?from_line=9&to_line=3`, ...bad, field: "to_line" },
  ],
  ["a field for a cancel", { path: `/api/jobs/${jobId}/cancel`, body: '{"force":true}', ...malformed, field: "force" }],
  ["a path that is none", { method: "GET", path: "/api/nothing", status: 404, reason: "not_found" }],
  ["a method that a path does not know", { method: "PUT", path: "/api/jobs", status: 405, reason: "unimplemented" }],
])("%s is refused by name and has no effect", async (_, { path = "/api/jobs", method = "POST", ...row }) => {
  const { send, calls, failures } = await openGateway();
  const response = await send(new URL(path, row.origin ?? home), {
    method,
    headers: row.headers ?? (method === "POST" ? json : {}),
    ...(method === "POST" ? { body: row.body ?? JSON.stringify(task) } : {}),
  });
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = await response.json();
  expect(problem).toMatchObject({ status: row.reason === "unimplemented" ? 501 : row.status, reason: row.reason });
  expect(response.status).toBe(row.status);
  if (row.field !== undefined) expect(problem).toMatchObject({ errors: [{ field: row.field }] });
  expect([calls, failures]).toEqual([[], []]);
});

test("a body of 5 MB is refused while it comes in, without being read to its end", async () => {
  const { send, calls } = await openGateway();
  let sent = 0;
  const body = new ReadableStream({
    pull(controller) {
      sent += 1;
      if (sent > 80) controller.close();
      else controller.enqueue(new Uint8Array(65_536).fill(0x20));
    },
  });
  const response = await send(`${home}/api/jobs`, {
    method: "POST",
    headers: json,
    body,
    duplex: "half",
  } as RequestInit);
  expect([response.status, await reasonOf(response)]).toEqual([413, "request_too_large"]);
  expect(sent).toBeLessThan(40);
  expect(calls).toEqual([]);
});

test.each<[string, Record<string, string>, BodyInit, Code, ProblemReason]>([
  [
    "compressed",
    { ...json, "content-encoding": "gzip" },
    "{}",
    Code.InvalidArgument,
    ProblemReason.UNSUPPORTED_MEDIA_TYPE,
  ],
  [
    "too large",
    { ...json, "content-length": "5000000" },
    "{}",
    Code.ResourceExhausted,
    ProblemReason.REQUEST_TOO_LARGE,
  ],
  ["no JSON", json, "{", Code.InvalidArgument, ProblemReason.MALFORMED_REQUEST],
  ["of unknown fields", json, '{"speck":{}}', Code.InvalidArgument, ProblemReason.MALFORMED_REQUEST],
  [
    "no protobuf",
    { "content-type": "application/proto" },
    new Uint8Array([0xff, 0xff]),
    Code.InvalidArgument,
    ProblemReason.MALFORMED_REQUEST,
  ],
  [
    "from a foreign page",
    { ...json, origin: "https://evil.example" },
    "{}",
    Code.PermissionDenied,
    ProblemReason.FOREIGN_ORIGIN,
  ],
  ["without a spec", json, "{}", Code.InvalidArgument, ProblemReason.INVALID_FIELD],
])("an RPC that is %s is refused in its own protocol", async (_, headers, body, code, reason) => {
  const { send, calls } = await openGateway();
  const response = await send(`${home}/blazecraft.job.v1.JobService/CreateJob`, { method: "POST", headers, body });
  const error = errorFromJson((await response.json()) as JsonValue, undefined, new ConnectError("none", Code.Unknown));
  expect([error.code, error.findDetails(ProblemSchema)[0]?.reason]).toEqual([code, reason]);
  expect(calls).toEqual([]);
});

test("an RPC in a content type that is none is refused", async () => {
  const { send } = await openGateway();
  const response = await send(`${home}/blazecraft.job.v1.JobService/CreateJob`, {
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: "{}",
  });
  expect([response.status, await reasonOf(response)]).toEqual([415, "unsupported_media_type"]);
});

test("a job is created, and answered as the guide shows it", async () => {
  const { send, requests } = await openGateway();
  const response = await send(`${home}/api/jobs`, {
    method: "POST",
    headers: { ...json, "idempotency-key": "k1" },
    body: JSON.stringify(task),
  });
  expect(response.status).toBe(201);
  expect(response.headers.get("location")).toBe(`/api/jobs/${jobId}`);
  const text = await response.text();
  expect(text).toMatch(new RegExp(`^\\{"id":"${jobId}","status":"pending",`));
  expect(JSON.parse(text)).toMatchObject({
    reason: "no_runner_online",
    type: "task",
    repo_ref: "test",
    command: "echo hello",
    exit_code: null,
    created_at: "2026-01-02T00:00:00.000Z",
    started_at: null,
    finished_at: null,
    url: `${home}/jobs/${jobId}`,
  });
  expect(requests[0]).toMatchObject({ idempotencyKey: "k1", spec: { repoRef: "test" } });
});

test("every field of a job reaches the service", async () => {
  const { send, requests } = await openGateway();
  const body = {
    ...{ type: "claude", repo_ref: "acme/api@main", prompt: "mend it", name: "mend", labels: { team: "a" } },
    ...{ runner_labels: ["gpu"], priority: -5, env: { A: "1" }, timeout_ms: 60_000, idle_timeout_ms: 1500 },
    ...{ queue_timeout_ms: 2000, ask_timeout_ms: 3000, max_turns: 7, max_log_bytes: 65_536, budget_usd: 1.25 },
    ...{ model: "opus", permission_mode: "accept_edits", allowed_tools: ["Read"], denied_tools: ["Bash"] },
    ...{ append_system_prompt: "be brief", effort: "high", continues: jobId },
  };
  const response = await send(`${home}/api/jobs`, { method: "POST", headers: json, body: JSON.stringify(body) });
  const { continues, ...same } = body;
  expect(await response.json()).toMatchObject(same);
  expect(requests[0]).toMatchObject({ continues });
});

test("a list names its filters and its next page", async () => {
  const { send, lists } = await openGateway();
  const response = await send(
    `${home}/api/jobs?limit=10&status=running,failed&label=a&label=b%3Dc&q=x&type=task&created_after=2026-01-02`,
  );
  expect(await response.json()).toMatchObject({ jobs: [{ id: jobId }], next_page_token: "next" });
  expect(response.headers.get("link")).toContain("limit=10");
  expect(response.headers.get("link")).toMatch(/page_token=next>; rel="next"$/);
  expect(lists[0]).toMatchObject({
    pageSize: 10,
    states: [JobState.RUNNING, JobState.FAILED],
    labels: ["a", "b=c"],
    query: "x",
    type: "task",
  });
});

test("a job that has not changed is not sent again", async () => {
  const { send } = await openGateway();
  const first = await send(`${home}/api/jobs/${jobId}`);
  const etag = first.headers.get("etag") ?? "";
  const again = await send(`${home}/api/jobs/${jobId}`, { headers: { "if-none-match": etag } });
  expect([first.status, again.status, await again.text()]).toEqual([200, 304, ""]);
});

test.each<[Code, ProblemReason, number, string]>([
  [Code.AlreadyExists, ProblemReason.IDEMPOTENCY_KEY_REUSED, 422, "invalid_argument"],
  [Code.ResourceExhausted, ProblemReason.QUEUE_FULL, 429, "resource_exhausted"],
  [Code.NotFound, ProblemReason.JOB_NOT_FOUND, 404, "not_found"],
  [Code.FailedPrecondition, ProblemReason.JOB_FINISHED, 400, "failed_precondition"],
  [Code.Unavailable, ProblemReason.RUNNER_OFFLINE, 503, "unavailable"],
  [Code.Aborted, ProblemReason.ALREADY_DECIDED, 409, "aborted"],
  [Code.Unimplemented, ProblemReason.NOT_IMPLEMENTED, 501, "unimplemented"],
])("code %i with reason %i becomes status %i", async (code, reason, status, shownCode) => {
  const { send } = await openGateway({
    createJob() {
      throw problemError({ code, reason, message: "so it is", action: "Do this.", retryAfterMs: 1500 });
    },
  });
  const response = await send(`${home}/api/jobs`, { method: "POST", headers: json, body: JSON.stringify(task) });
  expect(response.status).toBe(status);
  expect(response.headers.get("retry-after")).toBe("2");
  expect(await response.json()).toMatchObject({
    code: shownCode,
    reason: ProblemReason[reason].toLowerCase(),
    message: "so it is",
    action: "Do this.",
    retry_after_ms: 1500,
    request_id: "req-1",
  });
});

test("an error that nobody foresaw is reported once and not told", async () => {
  const { send, failures } = await openGateway({
    createJob() {
      throw new Error("the secret is hunter2");
    },
  });
  const response = await send(`${home}/api/jobs`, { method: "POST", headers: json, body: JSON.stringify(task) });
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("hunter2");
  expect(failures).toEqual(["blazecraft.job.v1.JobService/CreateJob req-1 the secret is hunter2"]);
});

test("a deployed gateway with nothing configured answers 401 to all but health", async () => {
  const { send, calls } = await openGateway({}, { localDev: false });
  const paths = ["/api/jobs", "/api/runners", "/api/events", `/api/jobs/${jobId}/logs`, "/api/nothing"];
  const refused = await Promise.all(paths.map((path) => send(`https://gateway.example${path}`)));
  expect(refused.map(({ status }) => status)).toEqual(paths.map(() => 401));
  expect(refused[0]?.headers.get("www-authenticate")).toContain("Bearer");
  expect(await refused[0]?.json()).toMatchObject({ message: expect.stringContaining("Authorization: Bearer") });
  const rpc = await send("https://gateway.example/blazecraft.job.v1.JobService/ListJobs", {
    method: "POST",
    headers: json,
    body: "{}",
  });
  expect([rpc.status, await rpc.json()]).toEqual([401, expect.objectContaining({ code: "unauthenticated" })]);
  expect(await (await send("https://gateway.example/api/health")).json()).toEqual({ status: "ok" });
  expect(await (await send("https://gateway.example/api/health/runner")).json()).toEqual({
    runner: "connected",
    latency_ms: 12,
  });
  expect(calls).toEqual([]);
});

test("local development is open on loopback alone", async () => {
  const { send } = await openGateway({}, { allowedHosts: ["gateway.example"] });
  const local = await send("http://localhost:8788/api/jobs");
  const proxied = await send("https://gateway.example/api/jobs");
  expect([local.status, proxied.status]).toEqual([200, 401]);
});

test("a key may do what its scope says", async () => {
  const { key, entry } = await newApiKey("reader", "viewer");
  const { send, calls } = await openGateway({}, { localDev: false, apiKeys: parseApiKeys(entry) });
  const gateway = "https://gateway.example/api/jobs";
  const read = await send(gateway, { headers: { authorization: `Bearer ${key}` } });
  const write = await send(gateway, {
    method: "POST",
    headers: { ...json, "x-api-key": key },
    body: JSON.stringify(task),
  });
  expect([read.status, write.status, await reasonOf(write)]).toEqual([200, 403, "missing_scope"]);
  expect(calls).toEqual([]);
});

test("a wrong key is refused on loopback too", async () => {
  const { send } = await openGateway();
  const headers = { authorization: `Bearer bc_reader_${"0".repeat(64)}` };
  expect((await send(`${home}/api/jobs`, { headers })).status).toBe(401);
});

test("the page of an allowed origin may call, and no other may even ask", async () => {
  const { send } = await openGateway({}, { allowedOrigins: ["https://page.example"] });
  const asked = {
    method: "OPTIONS",
    headers: { origin: "https://page.example", "access-control-request-method": "POST" },
  };
  const preflight = await send(`${home}/api/jobs`, asked);
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get("access-control-allow-origin")).toBe("https://page.example");
  expect(preflight.headers.get("access-control-allow-headers")).toContain("idempotency-key");
  expect(preflight.headers.get("vary")).toContain("Origin");
  const call = await send(`${home}/api/jobs`, { headers: { origin: "https://page.example" } });
  expect(call.headers.get("access-control-expose-headers")).toContain("x-total-lines");
  const other = await send(`${home}/api/jobs`, { method: "OPTIONS", headers: { origin: "https://other.example" } });
  expect([other.status, other.headers.get("access-control-allow-origin")]).toEqual([403, null]);
});

test("every answer names its request and tells browsers to keep to it", async () => {
  const { send } = await openGateway();
  const answers = await Promise.all([send(`${home}/api/jobs`), send(`${home}/`), send(`${home}/api/nothing`)]);
  for (const { headers } of answers) {
    expect(headers.get("x-request-id")).toMatch(/^req-[123]$/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  }
  expect(answers[1]?.headers.get("content-security-policy")).toContain("script-src 'self'");
  expect(answers[0]?.headers.get("cache-control")).toBe("no-store");
});

test("HEAD tells what GET would, without a body", async () => {
  const { send } = await openGateway();
  const response = await send(`${home}/api/jobs/${jobId}`, { method: "HEAD" });
  expect([response.status, response.headers.get("etag"), await response.text()]).toEqual([200, 'W/"4"', ""]);
});

interface Options {
  readonly localDev?: boolean;
  readonly allowedHosts?: readonly string[];
  readonly allowedOrigins?: readonly string[];
  readonly apiKeys?: ReturnType<typeof parseApiKeys>;
}

/** A gateway on services in memory that take note of what they are asked to do. */
async function openGateway(job: Services["job"] = {}, options: Options = {}) {
  const { localDev = true, allowedHosts = [], allowedOrigins = [], apiKeys = [] } = options;
  const calls: string[] = [];
  const failures: string[] = [];
  const requests: CreateJobRequest[] = [];
  const lists: ListJobsRequest[] = [];
  const services: Services = {
    job: {
      createJob(request) {
        calls.push("CreateJob");
        requests.push(request);
        return { job: pendingJob(request) };
      },
      cancelJob() {
        calls.push("CancelJob");
        return {};
      },
      getJob: () => ({ job: pendingJob() }),
      listJobs(request) {
        lists.push(request);
        return { jobs: [pendingJob()], nextPageToken: "next" };
      },
      ...job,
    },
    fleet: {
      checkRunner: () =>
        create(CheckRunnerResponseSchema, { runner: { name: "vm-1", latency: { nanos: 12_300_000 } } }),
    },
  };
  const report = (error: unknown, { procedure, requestId }: { procedure: string; requestId: string }) => {
    failures.push(`${procedure} ${requestId} ${error instanceof Error ? error.message : String(error)}`);
  };
  let count = 0;
  const send = openLocalGateway(services, {
    border: { localDev, allowedHosts, allowedOrigins },
    credentials: { localDev, apiKeys, access: undefined, now: Date.now },
    report,
    newRequestId: () => {
      count += 1;
      return `req-${count}`;
    },
  });
  return { send, calls, failures, requests, lists };
}

function pendingJob(request?: CreateJobRequest): Job {
  return create(JobSchema, {
    id: jobId,
    createTime: timestampFromMs(Date.UTC(2026, 0, 2)),
    status: {
      state: JobState.PENDING,
      detail: { case: "pending", value: { reason: PendingReason.NO_RUNNER_ONLINE } },
    },
    ...(request?.spec && { spec: request.spec }),
    revision: 4,
  });
}

async function reasonOf(response: Response): Promise<unknown> {
  const problem = (await response.json()) as { reason?: unknown };
  return problem.reason;
}
