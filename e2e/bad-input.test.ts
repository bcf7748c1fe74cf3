import { gzipSync } from "node:zlib";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FleetService } from "#gen/fleet/v1/fleet_service_pb.js";
import { JobService } from "#gen/job/v1/job_service_pb.js";
import { parseSecrets } from "#protocol/signature.ts";
import { createRunnerClient } from "../runner/testing/runner-client.ts";
import { hostileRepoRefs } from "./system/hostile-repo-refs.ts";
import { createTask, watchToEnd } from "./system/jobs.ts";
import { type RawRequest, refusalOf, sendRaw } from "./system/refusal.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

let system: TestSystem;
/** The one job that there is, long finished. */
let finishedId: string;
beforeAll(async () => {
  system = await startSystem();
  ({ id: finishedId } = await createTask(system, "echo hello"));
  await watchToEnd(system, finishedId);
});
afterAll(() => system.stop());

const create = "/blazecraft.job.v1.JobService/CreateJob";
const watch = "/blazecraft.job.v1.JobService/WatchJob";
const unknownId = "job_0000000000000000";
const task = { type: "task", repo_ref: "test", command: "echo never" };
const taskText = JSON.stringify(task);
const bomb = gzipSync(Buffer.alloc(50_000_000));
const fiveMegabytes = JSON.stringify({ ...task, command: "x".repeat(5_000_000) });
const inPieces = Array.from({ length: 80 }, (_, index) =>
  Buffer.from(fiveMegabytes.slice(index * 65_536, (index + 1) * 65_536)),
);

function post(body: NonNullable<RawRequest["body"]>, headers: RawRequest["headers"] = {}): RawRequest {
  return { method: "POST", headers: { "content-type": "application/json", ...headers }, body };
}

/** A task with some fields otherwise, or with text put behind its fields. */
function taskWith(fields: object | string): RawRequest {
  return typeof fields === "string"
    ? post(`${taskText.slice(0, -1)},${fields}}`)
    : post(JSON.stringify({ ...task, ...fields }));
}

const typed = (type: string, body: NonNullable<RawRequest["body"]> = taskText) => post(body, { "content-type": type });
const foreignHost = "403 permission_denied foreign_host";
const foreignOrigin = "403 permission_denied foreign_origin";
const wrongType = "415 invalid_argument unsupported_media_type";
const malformed = "400 invalid_argument malformed_request";
const invalid = (field: string) => `400 invalid_argument invalid_field ${field}`;
const tooLarge = "413 resource_exhausted request_too_large";

type Row = readonly [what: string, path: string, request: RawRequest, answer: string];

/** Requests that are refused for what they are, whatever they say. */
const requests: readonly Row[] = [
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

/** Jobs that are refused for one field. */
const fields: readonly (readonly [fields: object | string, answer: string])[] = [
  [{ type: undefined }, invalid("type")],
  [{ type: 5 }, invalid("type")],
  [{ type: "../claude", command: undefined, prompt: "x" }, invalid("type")],
  [{ repo_ref: undefined }, invalid("repo_ref")],
  ...hostileRepoRefs.map((repo_ref) => [{ repo_ref }, invalid("repo_ref")] as const),
  ...["", "  \n", "a\0b", "x".repeat(65_537), "\ud800"].map((command) => [{ command }, invalid("command")] as const),
  [{ command: ["ls"] }, invalid("command")],
  [{ command: null }, invalid("command")],
  [{ argv: ["ls"] }, invalid("argv")],
  [{ command: undefined, argv: [] }, invalid("argv")],
  [{ command: undefined, argv: [""] }, invalid("argv")],
  [{ command: undefined, argv: ["ls", 5] }, invalid("argv[1]")],
  [{ command: undefined, argv: ["ls", "a\0"] }, invalid("argv[1]")],
  [{ command: undefined, argv: Array(257).fill("a") }, invalid("argv")],
  [{ comand: "ls" }, `${malformed} comand`],
  ['"__proto__":{"isAdmin":true}', `${malformed} __proto__`],
  ['"constructor":{}', `${malformed} constructor`],
  ['"env":{"__proto__":"x"}', invalid("env")],
  [{ env: { constructor: "x" } }, invalid("env")],
  ...["LD_PRELOAD", "PATH", "GIT_SSH_COMMAND", "NODE_OPTIONS", "BASH_ENV", "ANTHROPIC_API_KEY", "BLAZECRAFT_X"].map(
    (name) => [{ env: { [name]: "x" } }, invalid("env")] as const,
  ),
  [{ env: { "A-B": "x" } }, invalid("env[A-B]")],
  [{ env: { A: "a\0" } }, invalid("env[A]")],
  [{ env: { A: 5 } }, invalid("env.A")],
  [{ env: ["A=5"] }, invalid("env")],
  [{ env: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`A${index}`, ""])) }, invalid("env")],
  [{ labels: { Team: "x" } }, invalid("labels[Team]")],
  [{ labels: { team: "a\nb" } }, invalid("labels[team]")],
  [{ runner_labels: ["Not a label"] }, invalid("runner_labels[0]")],
  [{ name: "x".repeat(121) }, invalid("name")],
  [{ name: "\u001b[2J" }, invalid("name")],
  [{ priority: 101 }, invalid("priority")],
  [{ priority: 1.5 }, invalid("priority")],
  [{ priority: "5" }, invalid("priority")],
  [{ timeout_ms: 0 }, invalid("timeout_ms")],
  [{ timeout_ms: -1 }, invalid("timeout_ms")],
  [{ timeout_ms: 1e300 }, invalid("timeout_ms")],
  [{ queue_timeout_ms: 3e12 }, invalid("queue_timeout_ms")],
  [{ max_log_bytes: 1 }, invalid("max_log_bytes")],
  [{ budget_usd: -1 }, invalid("budget_usd")],
  [{ type: "claude", command: undefined, prompt: "x", permission_mode: "yolo" }, invalid("permission_mode")],
  [{ type: "claude", command: undefined, prompt: "x", allowed_tools: ["--yolo"] }, invalid("allowed_tools[0]")],
  [{ type: "claude", command: undefined, prompt: "x", model: "--yolo" }, invalid("model")],
  [{ type: "claude", command: undefined, prompt: " " }, invalid("prompt")],
  [{ type: "claude", command: undefined, prompt: "x".repeat(1_048_577) }, invalid("prompt")],
  [{ type: "claude", command: undefined, prompt: "x", continues: "job_x" }, invalid("continues")],
];

/** Reads whose path, query or cursor is wrong. */
const reads: readonly (readonly [path: string, answer: string])[] = [
  ...[
    "nonsense",
    "job_ABCDEFGHIJKLMNOP",
    `${unknownId}0`,
    "..%2f..%2fetc",
    "job_%00",
    `${unknownId}%0a`,
    "__proto__",
  ].flatMap((id) => ["", "/events", "/logs"].map((part) => [`/api/jobs/${id}${part}`, invalid("id")] as const)),
  ...["", "/events", "/logs"].map(
    (part) => [`/api/jobs/${unknownId}${part}`, "404 not_found job_not_found id"] as const,
  ),
  ...["-1", "x", "1e3", "4294967296", "6-x"].map((after) => [`{job}/events?after=${after}`, invalid("after")] as const),
  ["{job}/events?after=4294967295", "400 out_of_range cursor_expired after"],
  ...["0", "201", "x", "1e2", "-1"].map((limit) => [`/api/jobs?limit=${limit}`, invalid("limit")] as const),
  ["/api/jobs?page_token=x", "400 invalid_argument cursor_expired page_token"],
  [`/api/jobs?page_token=${"9".repeat(200)}`, invalid("page_token")],
  ["/api/jobs?status=done", invalid("status")],
  ["/api/jobs?created_after=yesterday", invalid("created_after")],
  ["/api/jobs?nosuch=1", invalid("nosuch")],
  ["{job}?wait=2h", invalid("wait")],
  ["{job}/logs?tail=0", invalid("tail")],
  ["{job}/logs?from_line=0", invalid("from_line")],
  ["{job}/logs?from_line=2&to_line=1", invalid("to_line")],
  ["{job}/logs?stream=stdin", invalid("stream")],
];

describe.concurrent("over HTTP", () => {
  test.for(requests)("%s is refused", async ([, path, request, answer]) => {
    expect(await sendRaw(system.gatewayUrl + path, request)).toBe(answer);
  });

  test.for(fields.map(([wish, answer]) => [JSON.stringify(wish).slice(0, 80), wish, answer] as const))(
    "a job with %s is refused",
    async ([, wish, answer]) => {
      expect(await sendRaw(`${system.gatewayUrl}/api/jobs`, taskWith(wish))).toBe(answer);
    },
  );

  test.for(reads)("GET %s is refused", async ([path, answer]) => {
    expect(await sendRaw(system.gatewayUrl + path.replace("{job}", `/api/jobs/${finishedId}`))).toBe(answer);
  });
});

describe.concurrent.for([
  ["Connect", createConnectTransport],
  ["gRPC-Web", createGrpcWebTransport],
] as const)("over %s", ([, createTransport]) => {
  const clients = () => {
    const transport = createTransport({ baseUrl: system.gatewayUrl, useBinaryFormat: true });
    return { jobs: createClient(JobService, transport), fleet: createClient(FleetService, transport) };
  };
  type Clients = ReturnType<typeof clients>;
  const spec = {
    repoRef: "test",
    work: { case: "task", value: { invocation: { case: "command", value: "true" } } },
  } as const;
  const field = (name: string) => `invalid_argument invalid_field ${name}`;

  test.for<
    readonly [what: string, call: (clients: Clients) => Promise<unknown> | AsyncIterable<unknown>, answer: string]
  >([
    ["a job without a spec", ({ jobs }) => jobs.createJob({}), field("spec")],
    ["a job without work", ({ jobs }) => jobs.createJob({ spec: { repoRef: "test" } }), field("spec.work")],
    [
      "a task without a command",
      ({ jobs }) => jobs.createJob({ spec: { ...spec, work: { case: "task", value: {} } } }),
      field("spec.task.invocation"),
    ],
    [
      "an unknown permission mode",
      ({ jobs }) => {
        const value = { agent: "claude", prompt: "x", permissionMode: 99 };
        return jobs.createJob({ spec: { ...spec, work: { case: "agent", value } } });
      },
      field("spec.agent.permission_mode"),
    ],
    [
      "a limit of no time",
      ({ jobs }) => jobs.createJob({ spec: { ...spec, limits: { wall: {} } } }),
      field("spec.limits.wall"),
    ],
    ["a key with a space", ({ jobs }) => jobs.createJob({ spec, idempotencyKey: "a b" }), field("idempotency_key")],
    [
      "a body that claims to be compressed",
      ({ jobs }) => jobs.createJob({ spec }, { headers: { "content-encoding": "gzip", "grpc-encoding": "gzip" } }),
      "invalid_argument unsupported_media_type",
    ],
    ["a wait of 61 s", ({ jobs }) => jobs.getJob({ id: unknownId, wait: { seconds: 61n } }), field("wait")],
    ["a malformed id", ({ jobs }) => jobs.watchJob({ id: "job_" }), field("id")],
    ["a job that is not there", ({ jobs }) => jobs.watchJob({ id: unknownId }), "not_found job_not_found id"],
    [
      "a cursor past the end",
      ({ jobs }) => jobs.watchJob({ id: finishedId, afterSequence: 4_000_000 }),
      "out_of_range cursor_expired after_sequence",
    ],
    [
      "a revision past the newest",
      ({ jobs }) => jobs.watchJobs({ afterRevision: 4_000_000_000 }),
      "out_of_range cursor_expired after_revision",
    ],
    ["the state UNSPECIFIED", ({ jobs }) => jobs.listJobs({ states: [0] }), field("states[0]")],
    ["a page of 201", ({ jobs }) => jobs.listJobs({ pageSize: 201 }), field("page_size")],
    [
      "a foreign page token",
      ({ jobs }) => jobs.listJobs({ pageToken: "1-job_x" }),
      "invalid_argument cursor_expired page_token",
    ],
    ["a broken expression", ({ jobs }) => jobs.readLog({ id: finishedId, search: "(", regex: true }), field("search")],
    [
      "an expression that looks behind",
      ({ jobs }) => jobs.readLog({ id: finishedId, search: "(?<=a)b", regex: true }),
      field("search"),
    ],
    [
      "a search of 1 KiB and more",
      ({ jobs }) => jobs.readLog({ id: finishedId, search: "x".repeat(1025) }),
      field("search"),
    ],
    [
      "a foreign page of a log",
      ({ jobs }) => jobs.readLog({ id: finishedId, pageToken: "x" }),
      "invalid_argument cursor_expired page_token",
    ],
    [
      "the cancel of a finished job",
      ({ jobs }) => jobs.cancelJob({ id: finishedId }),
      "failed_precondition job_finished",
    ],
    ["a runner at a file", ({ fleet }) => fleet.addRunner({ name: "a", url: "file:///etc/passwd" }), field("url")],
    [
      "a runner with a user",
      ({ fleet }) => fleet.addRunner({ name: "a", url: "https://u:p@vm.example" }),
      field("url"),
    ],
    [
      "a runner in plain HTTP elsewhere",
      ({ fleet }) => fleet.addRunner({ name: "a", url: "http://169.254.169.254" }),
      field("url"),
    ],
    [
      "a runner that is not there",
      ({ fleet }) => fleet.drainRunner({ name: "nobody" }),
      "not_found runner_not_found name",
    ],
  ])("%s is refused", async ([, call, answer]) => {
    expect(await refusalOf(call(clients()))).toBe(answer);
  });
});

test("nothing of all this has happened", async () => {
  const { jobs } = await system.jobs.listJobs({});
  expect(jobs.map(({ id }) => id)).toEqual([finishedId]);
  const { runners } = await system.fleet.listRunners({});
  expect(runners.map(({ name }) => name)).toEqual(["vm-1"]);
  const [key] = await parseSecrets("RUNNER_SECRET", system.secret);
  const { info } = await createRunnerClient(system.runnerUrl, key).getRunner({});
  expect(info).toMatchObject({ usedSlots: 0, attempts: [], draining: false });
});
