import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { CheckRunnerResponseSchema } from "#gen/fleet/v1/fleet_service_pb.js";
import { type Job, JobSchema, JobState, PendingReason } from "#gen/job/v1/job_pb.js";
import type { CreateJobRequest, ListJobsRequest } from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { newApiKey, parseApiKeys } from "#protocol/api-key.ts";
import { problemError } from "#protocol/problem.ts";
import { firstFields } from "./job/job-facts.ts";
import { openLocalGateway } from "./local-gateway.ts";
import type { Services } from "./rpc.ts";

const home = "http://127.0.0.1:8788";
const jobId = "job_0123456789abcdef";
const json = { "content-type": "application/json" };
const task = { type: "task", repo_ref: "test", command: "echo hello" };

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
    ...{ allowed_hosts: ["example.com", "*.example.com:8443"] },
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

test("a page that cannot be served is a problem like any other", async () => {
  const failures: string[] = [];
  const send = openLocalGateway(
    {},
    {
      pages: () => Promise.reject(new Error("disk on fire")),
      report: (error, { procedure }) => failures.push(`${procedure}: ${String(error)}`),
    },
  );
  const response = await send("/jobs/x");
  expect([response.status, await reasonOf(response)]).toEqual([500, "internal"]);
  expect(failures).toEqual(["/jobs/x: Error: disk on fire"]);
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
    ...(request?.spec && firstFields(request.spec)),
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
