import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  finished,
  get,
  getJob,
  messagesOf,
  post,
  postTask,
  type RestJob,
  readSse,
  type SseEvent,
} from "./system/rest.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({ runnerEnv: { MAX_CONCURRENT_JOBS: "8" } });
});
afterAll(() => system.stop());

describe.concurrent("the REST routes", () => {
  test("a canceled job that ignores SIGTERM is killed, and both signals are told", async () => {
    const { id } = await postTask(system, { command: "trap '' TERM; echo deaf; while :; do sleep 1; done" });
    await readSse(system, `/api/jobs/${id}/events`, { isEnough: ({ data }) => data.message === "deaf" });
    const retry = await post(system, `/api/jobs/${id}/retry`);
    expect([retry.status, await retry.json()]).toMatchObject([400, { reason: "job_not_finished" }]);
    const response = await post(system, `/api/jobs/${id}/cancel`);
    expect(response.status).toBe(202);
    const events = await readSse(system, `/api/jobs/${id}/events`);
    const stopping = events.filter(({ event, data }) => event === "process" && !("started" in data));
    expect(stopping.map(({ data }) => data)).toMatchObject([
      { stop_requested: { cause: "canceled" } },
      { signal_sent: { signal: "SIGTERM" } },
      { signal_sent: { signal: "SIGKILL" } },
      { exited: { signal: "SIGKILL" } },
    ]);
    expect(events.at(-1)).toMatchObject({ event: "end", data: { status: "canceled", ended_by: "local" } });
    const again = await post(system, `/api/jobs/${id}/cancel`);
    expect([again.status, await again.json()]).toMatchObject([400, { reason: "job_finished" }]);
  });

  test("the guide's request makes a pending job whose stream and log carry hello", async () => {
    const response = await post(system, "/api/jobs", { type: "task", repo_ref: "test", command: "echo hello" });
    expect(response.status).toBe(201);
    const job = (await response.json()) as RestJob;
    expect(job).toMatchObject({ status: "pending", type: "task", repo_ref: "test", command: "echo hello" });
    expect(job.id).toMatch(/^job_[0-9a-z]{16}$/);
    expect(response.headers.get("location")).toBe(`/api/jobs/${job.id}`);

    const events = await readSse(system, `/api/jobs/${job.id}/events`);
    expect(events.filter(({ event }) => event === "log").map(({ data }) => data)).toMatchObject([
      { level: "info", message: "hello", text: "hello\n", stream: "stdout", line: 1, partial: false },
    ]);
    expect(events.at(-1)).toMatchObject({ event: "end", data: { status: "succeeded", exit_code: 0 } });
    const last = events.at(-1)?.id;
    expect((await get(system, `/api/jobs/${job.id}/events`, { "last-event-id": `${last}` })).status).toBe(204);

    const logs = await get(system, `/api/jobs/${job.id}/logs`);
    expect(await logs.text()).toBe("hello\n");
    expect(logs.headers.get("x-total-lines")).toBe("1");
    const listed = (await (await get(system, "/api/jobs?limit=200")).json()) as { jobs: RestJob[] };
    expect(listed.jobs.find(({ id }) => id === job.id)).toMatchObject({ status: "succeeded", exit_code: 0 });
  });

  test.for([
    [{ command: "true" }, { status: "succeeded", reason: "completed", exit_code: 0, signal: null }],
    [{ command: "exit 3" }, { status: "failed", reason: "exit_code", exit_code: 3, signal: null }],
    [{ command: "exit 255" }, { status: "failed", reason: "exit_code", exit_code: 255, signal: null }],
    [{ command: "no-such-command" }, { status: "failed", reason: "exit_code", exit_code: 127, signal: null }],
    [{ command: "kill -9 $$" }, { status: "failed", reason: "signal", exit_code: null, signal: "SIGKILL" }],
    [{ command: "kill -15 $$" }, { status: "failed", reason: "signal", exit_code: null, signal: "SIGTERM" }],
    [{ argv: ["/no/such/program"] }, { status: "failed", reason: "unstartable", exit_code: null, signal: null }],
    [{ argv: ["sh", "-c", "exit 4"] }, { status: "failed", reason: "exit_code", exit_code: 4, signal: null }],
    [
      { command: "sleep 60", timeout_ms: 1000 },
      { status: "timed_out", reason: "wall_timeout", exit_code: null },
    ],
    [
      { command: "echo busy; sleep 60", idle_timeout_ms: 1000, timeout_ms: 50_000 },
      { status: "timed_out", reason: "idle_timeout", exit_code: null },
    ],
    [
      { command: "true", runner_labels: ["no-such-label"], queue_timeout_ms: 1000 },
      { status: "timed_out", reason: "queue_timeout", exit_code: null },
    ],
  ] as const)("%j ends %j", async ([fields, expected]) => {
    const { id } = await postTask(system, fields);
    const job = await finished(system, id);
    expect(job).toMatchObject(expected);
    if (job.status !== "succeeded") expect(job.message).toMatch(/\S/);
  });

  test("a finished job is retried as a new one and deleted for good", async () => {
    const { id } = await postTask(system, { command: "echo again", labels: { kind: "retried" } });
    await finished(system, id);
    const retry = await post(system, `/api/jobs/${id}/retry`, undefined, { "idempotency-key": `retry-${id}` });
    const copy = (await retry.json()) as RestJob;
    expect([retry.status, copy]).toMatchObject([
      201,
      { retry_of: id, labels: { kind: "retried" }, command: "echo again" },
    ]);
    const replay = await post(system, `/api/jobs/${id}/retry`, undefined, { "idempotency-key": `retry-${id}` });
    expect([replay.headers.get("idempotent-replayed"), await replay.json()]).toMatchObject(["true", { id: copy.id }]);
    expect(messagesOf(await readSse(system, `/api/jobs/${copy.id}/events`))).toEqual(["again"]);

    const remove = () => fetch(`${system.gatewayUrl}/api/jobs/${id}`, { method: "DELETE" });
    expect((await remove()).status).toBe(204);
    for (const path of ["", "/logs", "/events"]) {
      expect((await get(system, `/api/jobs/${id}${path}`)).status, path).toBe(404);
    }
    expect((await remove()).status).toBe(404);
    const { jobs } = (await (await get(system, "/api/jobs?label=kind=retried")).json()) as { jobs: RestJob[] };
    expect(jobs.map((job) => job.id)).not.toContain(id);
    expect((await getJob(system, copy.id)).retry_of).toBe(id);
  });

  test("one idempotency key makes one job, and refuses another request", async () => {
    const key = { "idempotency-key": "one-of-rest" };
    const body = { type: "task", repo_ref: "test", command: "echo once" };
    const first = await post(system, "/api/jobs", body, key);
    const second = await post(system, "/api/jobs", body, key);
    expect([first.status, first.headers.get("idempotent-replayed")]).toEqual([201, null]);
    expect([second.status, second.headers.get("idempotent-replayed")]).toEqual([201, "true"]);
    expect(((await second.json()) as RestJob).id).toBe(((await first.json()) as RestJob).id);
    const other = await post(system, "/api/jobs", { ...body, command: "echo twice" }, key);
    expect([other.status, await other.json()]).toMatchObject([422, { reason: "idempotency_key_reused" }]);
  });

  test("a stream resumed at any of its ids gives exactly the rest", async () => {
    const command = 'for i in 1 2 3; do echo "line $i"; echo "fault $i" >&2; done; printf "no end"';
    const { id } = await postTask(system, { command });
    const all = await readSse(system, `/api/jobs/${id}/events`);
    expect(messagesOf(all)).toHaveLength(7);
    const resumes = all.slice(0, -1).map(async ({ id: place }, index) => {
      const rest = await readSse(system, `/api/jobs/${id}/events`, { headers: { "last-event-id": `${place}` } });
      expect(withoutHeartbeats(rest)).toEqual(withoutHeartbeats(all.slice(index + 1)));
    });
    await Promise.all(resumes);
    const lines = await get(system, `/api/jobs/${id}/events?after=1`, { accept: "application/x-ndjson" });
    const named = (await lines.text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).event);
    expect(named).toEqual(all.filter(({ id: place }) => place !== "1").map(({ event }) => event));
  });

  test("a log is read by range, tail, stream and search, and byte for byte", async () => {
    const command =
      "i=0; while [ $i -lt 50 ]; do i=$((i+1)); echo out $i; done; echo oops >&2; printf '\\000\\377\\033[1m'";
    const { id } = await postTask(system, { command });
    await finished(system, id);
    const read = async (query: string) => {
      const response = await get(system, `/api/jobs/${id}/logs${query}`);
      expect(response.status, query).toBe(200);
      return Buffer.from(await response.arrayBuffer()).toString("latin1");
    };
    expect(await read("?stream=stderr")).toBe("oops\n");
    const numbered = Array.from({ length: 50 }, (_, index) => `out ${index + 1}\n`).join("");
    expect(await read("?stream=stdout")).toBe(`${numbered}\0\xff\u001b[1m`);
    expect(await read("?from_line=10&to_line=12")).toBe("out 10\nout 11\nout 12\n");
    expect(await read("?tail=2&stream=stdout&to_line=50")).toBe("out 49\nout 50\n");
    expect(await read("?grep=OUT%204&stream=stdout")).toMatch(/^out 4\nout 40\n(out 4\d\n){9}$/);
    expect(await read("?from_line=1&to_line=1&timestamps=1")).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z out 1\n$/);
    expect(await read("?tail=1&stream=stdout&ansi=0")).toBe("\0\xff\n");
  });

  test("a followed log ends with its job", async () => {
    const { id } = await postTask(system, { command: "echo one; sleep 0.3; echo two" });
    const followed = await get(system, `/api/jobs/${id}/logs?follow=1`);
    expect(await followed.text()).toBe("one\ntwo\n");
  });

  test("a job is read again only when it changed", async () => {
    const { id } = await postTask(system, { command: "sleep 0.3" });
    let status = "pending";
    for (let etag = ""; status !== "succeeded"; ) {
      const response = await get(system, `/api/jobs/${id}?wait=60s`, etag === "" ? {} : { "if-none-match": etag });
      expect(response.status).toBe(200);
      etag = response.headers.get("etag") ?? "";
      ({ status } = (await response.json()) as RestJob);
    }
    const etag = (await get(system, `/api/jobs/${id}`)).headers.get("etag") ?? "";
    expect((await get(system, `/api/jobs/${id}`, { "if-none-match": etag })).status).toBe(304);
  });

  test("health, runners and a list's next page answer as documented", async () => {
    const health = await get(system, "/api/health/runner");
    expect([health.status, await health.json()]).toMatchObject([200, { runner: "connected" }]);
    expect(health.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    const runner = await fetch(`${system.runnerUrl}/health`);
    expect(await runner.text()).toMatch(/^\{"status":"ok","version":"1\.0\.0"/);
    const { runners } = (await (await get(system, "/api/runners")).json()) as { runners: object[] };
    expect(runners).toMatchObject([{ name: "vm-1", state: "online" }]);
    await Promise.all([postTask(system, { command: "true" }), postTask(system, { command: "true" })]);
    const page = await get(system, "/api/jobs?limit=1");
    const link = page.headers.get("link") ?? "";
    expect(link).toMatch(/^<http.*page_token=.*>; rel="next"$/);
    const next = (await (await fetch(link.slice(1, link.indexOf(">")))).json()) as { jobs: RestJob[] };
    const { jobs } = (await page.json()) as { jobs: RestJob[] };
    expect(next.jobs[0]?.id).not.toBe(jobs[0]?.id);
  });
});

function withoutHeartbeats(events: readonly SseEvent[]): SseEvent[] {
  return events.filter(({ event }) => event !== "heartbeat");
}
