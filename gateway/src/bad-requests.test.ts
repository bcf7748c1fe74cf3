import { create, type JsonValue } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { errorFromJson } from "@connectrpc/connect/protocol-connect";
import { expect, test } from "vitest";
import { JobSchema } from "#gen/job/v1/job_pb.js";
import { ProblemReason, ProblemSchema } from "#gen/job/v1/problem_pb.js";
import { openLocalGateway } from "./local-gateway.ts";

const home = "http://127.0.0.1:8788";
const jobId = "job_0123456789abcdef";
const askId = "ask_0123456789abcdef";
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

/** Decisions that are refused, and for which field. */
const decisions: readonly (readonly [string, object, string])[] = [
  ["without a word", {}, "decision"],
  ["that is none", { decision: "maybe" }, "decision"],
  ["for a job without a rule", { decision: "allow", scope: "job" }, "rule"],
  ["for a scope that is none", { decision: "allow", scope: "always" }, "scope"],
  ["with a rule in two lines", { decision: "allow", scope: "job", rule: "a\nb" }, "rule"],
  ["with an input that is a list", { decision: "allow", input: [] }, "input"],
  ["with an input of 256 KiB and more", { decision: "allow", input: { a: "x".repeat(262_144) } }, "input"],
  ["with a denial of 16 KiB and more", { decision: "deny", message: "x".repeat(16_385) }, "message"],
  ["without answers", { decision: "answer", answers: [] }, "answers"],
  ["with nine answers", { decision: "answer", answers: Array(9).fill("x") }, "answers"],
  ["with an answer that is a number", { decision: "answer", answers: [5] }, "answers[0]"],
  ["with an answer of 4 KiB and more", { decision: "answer", answers: ["a", "x".repeat(4097)] }, "answers[1]"],
  ["with a raise to nothing", { decision: "raise_budget", limit_usd: 0 }, "limit_usd"],
  ["with another job's malformed id", { decision: "deny", job_id: "job_1" }, "job_id"],
];

/** Rules that are refused, and for which field. */
const rules: readonly (readonly [string, object, string])[] = [
  ["without a rule", { rule: undefined }, "rule"],
  ["that names no tool", { rule: "(npm test)" }, "rule"],
  ["about nothing", { rule: "Bash()" }, "rule"],
  ["in two lines", { rule: "Bash(a\nb)" }, "rule"],
  ["that is too long", { rule: `Bash(${"x".repeat(127)})` }, "rule"],
  ["without a verdict", { verdict: undefined }, "verdict"],
  ["with a verdict that is none", { verdict: "ask" }, "verdict"],
  ["that holds under a minute", { lifetime_ms: 59_000 }, "lifetime_ms"],
  ["that holds for more than 30 days", { lifetime_ms: 2_592_001_000 }, "lifetime_ms"],
  ["with nine labels", { labels: Array(9).fill("a") }, "labels"],
  ["with a malformed job id", { job_id: "job_1" }, "job_id"],
  ["for a repository with a space", { repository: "a b" }, "repository"],
];

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
  ["an address to reach", { body: post({ allowed_hosts: ["a.example", "[::1]"] }), ...bad, field: "allowed_hosts[1]" }],
  ["a host in capitals", { body: post({ allowed_hosts: ["A.example"] }), ...bad, field: "allowed_hosts[0]" }],
  ["a URL as host", { body: post({ allowed_hosts: ["https://a.example"] }), ...bad, field: "allowed_hosts[0]" }],
  ["a host given twice", { body: post({ allowed_hosts: ["a.example", "a.example"] }), ...bad, field: "allowed_hosts" }],
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
  ...decisions.map(([what, body, field]): [string, BadRequest] => [
    `a decision ${what}`,
    { path: `/api/asks/${askId}/decision`, body: JSON.stringify(body), ...bad, field },
  ]),
  [
    "a decision with an unknown field",
    {
      path: `/api/asks/${askId}/decision`,
      body: JSON.stringify({ decision: "deny", mesage: "x" }),
      ...malformed,
      field: "mesage",
    },
  ],
  [
    "a decision on a job's id",
    { path: `/api/asks/${jobId}/decision`, body: JSON.stringify({ decision: "deny" }), ...bad, field: "id" },
  ],
  ["a page of 201 asks", { method: "GET", path: "/api/asks?limit=201", ...bad, field: "limit" }],
  ["asks of an unknown status", { method: "GET", path: "/api/asks?status=new", ...bad, field: "status" }],
  ...rules.map(([what, change, field]): [string, BadRequest] => [
    `a rule ${what}`,
    { path: "/api/ask-rules", body: JSON.stringify({ rule: "Bash", verdict: "allow", ...change }), ...bad, field },
  ]),
  ["a rule's malformed id", { method: "DELETE", path: "/api/ask-rules/rule_1", ...bad, field: "id" }],
  [
    "a message without text",
    { path: `/api/jobs/${jobId}/messages`, body: '{"interrupt":true}', ...bad, field: "text" },
  ],
  ["an empty message", { path: `/api/jobs/${jobId}/messages`, body: '{"text":""}', ...bad, field: "text" }],
  [
    "an interrupt that is no flag",
    { path: `/api/jobs/${jobId}/messages`, body: '{"text":"x","interrupt":1}', ...bad, field: "interrupt" },
  ],
  ["a message's malformed id", { method: "DELETE", path: `/api/jobs/${jobId}/messages/${askId}`, ...bad, field: "id" }],
  [
    "an unknown permission mode for a job",
    { path: `/api/jobs/${jobId}/permission-mode`, body: '{"mode":"yolo"}', ...bad, field: "mode" },
  ],
  ...["*", "*.com/", "a.example:0", "a.example.", "u@a.example", ""].map((host): [string, BadRequest] => [
    `"${host}" to allow`,
    { path: `/api/jobs/${jobId}/allowed-hosts`, body: JSON.stringify({ host }), ...bad, field: "host" },
  ]),
  ["a field for a cancel", { path: `/api/jobs/${jobId}/cancel`, body: '{"force":true}', ...malformed, field: "force" }],
  ["a path that is none", { method: "GET", path: "/api/nothing", status: 404, reason: "not_found" }],
  ["a method that a path does not know", { method: "PUT", path: "/api/jobs", status: 405, reason: "unimplemented" }],
])("%s is refused by name and has no effect", async (_, { path = "/api/jobs", method = "POST", ...row }) => {
  const { send, calls, failures } = openGateway();
  const response = await send(new URL(path, row.origin ?? home), {
    method,
    headers: row.headers ?? (method === "POST" ? json : {}),
    ...(method === "POST" ? { body: row.body ?? JSON.stringify(task) } : {}),
  });
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = await response.json();
  expect(problem).toMatchObject({ status: row.status, reason: row.reason });
  expect(response.status).toBe(row.status);
  if (row.field !== undefined) expect(problem).toMatchObject({ errors: [{ field: row.field }] });
  expect([calls, failures]).toEqual([[], []]);
});

test.for([
  ["5 MB is read to its end", 80, 81],
  ["100 MB is read so far", 1600, 300],
] as const)("a body of %s before it is refused", async ([, pieces, most]) => {
  const { send, calls } = openGateway();
  let sent = 0;
  const body = new ReadableStream({
    pull(controller) {
      sent += 1;
      if (sent > pieces) controller.close();
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
  expect(sent).toBeLessThanOrEqual(most);
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
  const { send, calls } = openGateway();
  const response = await send(`${home}/blazecraft.job.v1.JobService/CreateJob`, { method: "POST", headers, body });
  const error = errorFromJson((await response.json()) as JsonValue, undefined, new ConnectError("none", Code.Unknown));
  expect([error.code, error.findDetails(ProblemSchema)[0]?.reason]).toEqual([code, reason]);
  expect(calls).toEqual([]);
});

test("an RPC in a content type that is none is refused", async () => {
  const { send } = openGateway();
  const response = await send(`${home}/blazecraft.job.v1.JobService/CreateJob`, {
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: "{}",
  });
  expect([response.status, await reasonOf(response)]).toEqual([415, "unsupported_media_type"]);
});

/** A gateway whose services note what they are asked to do, and which errors nobody foresaw. */
function openGateway() {
  const calls: string[] = [];
  const failures: unknown[] = [];
  const job = create(JobSchema, { id: jobId });
  const note = (name: string) => () => {
    calls.push(name);
    return { job };
  };
  const noteAlone = (name: string) => () => {
    calls.push(name);
    return {};
  };
  const services = {
    job: {
      createJob: note("CreateJob"),
      cancelJob: note("CancelJob"),
      retryJob: note("RetryJob"),
      getJob: () => ({ job }),
      sendMessage: noteAlone("SendMessage"),
      setPermissionMode: note("SetPermissionMode"),
      decideAsk: noteAlone("DecideAsk"),
      createAskRule: noteAlone("CreateAskRule"),
      revokeAskRule: noteAlone("RevokeAskRule"),
    },
  };
  const send = openLocalGateway(services, { report: (error) => failures.push(error) });
  return { send, calls, failures };
}

async function reasonOf(response: Response): Promise<unknown> {
  const problem = (await response.json()) as { reason?: unknown };
  return problem.reason;
}
