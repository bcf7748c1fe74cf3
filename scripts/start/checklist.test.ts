import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { listChecks } from "./checklist.ts";

type Answers = Readonly<Record<string, { status?: number; type?: string; body: string }>>;

const sse = (...events: readonly [string, object][]) =>
  events.map(([event, data]) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join("");

const healthy: Answers = {
  "/health": { body: '{"status":"ok","version":"1.0.0"}' },
  "/api/health/runner": { body: '{"runner":"connected","latency_ms":3}' },
  "/api/jobs": { status: 201, body: '{"id":"job_1","status":"pending"}' },
  "/api/jobs/job_1/events": {
    body: sse(["status", { status: "running" }], ["log", { message: "hello" }], ["end", { status: "succeeded" }]),
  },
  "/": { type: "text/html", body: '<script type="module" src="/assets/page.js"></script>' },
  "/assets/page.js": { type: "text/javascript", body: 'region("Job panel")' },
};

let server: Server | undefined;
afterEach(() => void server?.close());

/** What each check found wrong, undefined where it passed. */
async function runChecks(answers: Answers): Promise<(string | undefined)[]> {
  server = createServer((request, response) => {
    const { status = 200, type = "application/json", body } = answers[request.url ?? ""] ?? { status: 404, body: "{}" };
    response.writeHead(status, { "content-type": type }).end(body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const signal = new AbortController().signal;
  return Promise.all(
    listChecks(url, url).map(({ run }) =>
      run(() => {}, signal).then(
        () => undefined,
        (error: Error) => error.message,
      ),
    ),
  );
}

test("a healthy system passes all four", async () => {
  expect(await runChecks(healthy)).toEqual([undefined, undefined, undefined, undefined]);
});

test.each<[string, Answers, index: number, string]>([
  ["a sick runner", { "/health": { body: '{"status":"draining"}' } }, 0, '"status" should be "ok"'],
  [
    "a runner out of reach",
    { "/api/health/runner": { status: 503, body: '{"runner":"disconnected"}' } },
    1,
    '"runner" should be "connected"',
  ],
  ["a refused job", { "/api/jobs": { status: 401, body: '{"title":"no"}' } }, 2, 'answered 401 {"title":"no"}'],
  [
    "a failed job",
    { "/api/jobs/job_1/events": { body: sse(["end", { status: "failed" }]) } },
    2,
    "the job ended failed",
  ],
  [
    "a lost log",
    { "/api/jobs/job_1/events": { body: sse(["end", { status: "succeeded" }]) } },
    2,
    "the log has no line hello",
  ],
  ["a cut stream", { "/api/jobs/job_1/events": { body: "" } }, 2, "the stream ended before the job did"],
  ["a bare page", { "/": { type: "text/html", body: "<p>hello" } }, 3, "the page loads no script"],
  [
    "a page of something else",
    { "/assets/page.js": { type: "text/javascript", body: "" } },
    3,
    "no script of the page holds a Job Panel",
  ],
])("%s fails one check, with the reason", async (_, answers, index, reason) => {
  const found = await runChecks({ ...healthy, ...answers });
  expect(found).toEqual(found.map((_, at) => (at === index ? reason : undefined)));
});
