import { request } from "node:http";
import { create, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { errorFromJson } from "@connectrpc/connect/protocol-connect";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { GetRunnerRequestSchema, StartJobRequestSchema } from "#gen/runner/v1/runner_service_pb.js";
import { findProblem } from "#protocol/problem.ts";
import { parseSecrets, sign } from "#protocol/signature.ts";
import { startRequest } from "../testing/jobs.ts";
import { createRunnerClient, signRequest } from "../testing/runner-client.ts";
import { makeDataDirectory, startRunner, type TestRunner } from "../testing/start-runner.ts";

// Starting real processes takes its time on a busy machine.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const data = makeDataDirectory();
const path = "/blazecraft.runner.v1.RunnerService/GetRunner";
const empty = toBinary(GetRunnerRequestSchema, create(GetRunnerRequestSchema));
let runner: TestRunner;

beforeAll(async () => {
  runner = await startRunner(data.path);
});

afterAll(async () => {
  await runner.stop("SIGINT");
  data.remove();
});

async function post(signature: string | undefined, { body = empty, to = path, type = "application/proto" } = {}) {
  const headers = { "content-type": type, ...(signature === undefined ? {} : { "blazecraft-signature": signature }) };
  const response = await fetch(runner.url + to, { method: "POST", headers, body: new Uint8Array(body) });
  if (response.ok) return { status: response.status };
  const error = errorFromJson((await response.json()) as JsonValue, undefined, new ConnectError("no Connect error"));
  return { status: response.status, reason: findProblem(error)?.reason, message: error.rawMessage };
}

function signed(body = empty, { to = path, type = "application/proto", nowMs = Date.now() } = {}) {
  return signRequest(runner.key, runner.url + to, type, body, nowMs);
}

test("a signed call is served once", async () => {
  const signature = await signed();
  expect(await post(signature)).toEqual({ status: 200 });
  expect(await post(signature)).toMatchObject({ status: 401, reason: ProblemReason.REPLAYED_SIGNATURE });
});

test("a signature is still used up after a restart", async () => {
  const own = makeDataDirectory();
  const first = await startRunner(own.path);
  const send = async (url: string, signature: string) =>
    fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/proto", "blazecraft-signature": signature },
      body: new Uint8Array(empty),
    });
  const signature = await signRequest(first.key, first.url + path, "application/proto", empty);
  expect((await send(first.url, signature)).status).toBe(200);
  await first.stop("SIGKILL");
  const second = await startRunner(own.path);
  expect((await send(second.url, signature)).status).toBe(401);
  await second.stop("SIGINT");
  own.remove();
});

test.each([
  ["no signature", async () => post(undefined), ProblemReason.BAD_SIGNATURE, /no blazecraft-signature header/],
  ["words instead of a signature", async () => post("let me in"), ProblemReason.BAD_SIGNATURE, /malformed/],
  [
    "another body",
    async () => post(await signed(), { body: new Uint8Array([8, 1]) }),
    ProblemReason.BAD_SIGNATURE,
    /fit/,
  ],
  [
    "another path",
    async () => post(await signed(empty, { to: path.replace("GetRunner", "Drain") })),
    ProblemReason.BAD_SIGNATURE,
    /fit/,
  ],
  [
    "another content type",
    async () => post(await signed(empty, { type: "application/json" })),
    ProblemReason.BAD_SIGNATURE,
    /fit/,
  ],
  [
    "a slow clock",
    async () => post(await signed(empty, { nowMs: Date.now() - 90_000 })),
    ProblemReason.CLOCK_SKEW,
    /90 s behind/,
  ],
  [
    "a fast clock",
    async () => post(await signed(empty, { nowMs: Date.now() + 120_000 })),
    ProblemReason.CLOCK_SKEW,
    /1(20|19) s ahead/,
  ],
])("%s is refused", async (_, call, reason, message) => {
  expect(await call()).toEqual({ status: 401, reason, message: expect.stringMatching(message) });
});

test("a secret that the runner does not know is refused, on streams too, and has no effect", async () => {
  const [other] = await parseSecrets("RUNNER_SECRET", "another secret that is long enough too");
  const client = createRunnerClient(runner.url, other);
  await expect(client.startJob(startRequest("true"))).rejects.toThrow(/secret that this runner does not know/);
  const stream = client.streamEvents({ jobId: startRequest("").jobId, attempt: 1 });
  await expect(stream[Symbol.asyncIterator]().next()).rejects.toThrow(/secret that this runner does not know/);
  expect((await runner.client.getRunner({})).info?.attempts).toEqual([]);
});

test("a signature over a query does not open the path without it", async () => {
  const parts = { method: "POST", path: `${path}?x=1`, contentType: "application/proto", body: empty };
  expect(await post(await sign(runner.key, parts, Date.now()))).toMatchObject({ status: 401 });
});

test("a body past 2 MiB is refused before it is read", async () => {
  const body = new Uint8Array((2 << 20) + 1);
  expect(await post(await signed(body), { body })).toMatchObject({
    status: 429,
    reason: ProblemReason.REQUEST_TOO_LARGE,
  });
});

test("a largest prompt gets through", async () => {
  const prompt = "x".repeat(1 << 20);
  const request = startRequest("", { work: { case: "agent", value: { agent: "nobody", prompt } } });
  const body = toBinary(StartJobRequestSchema, request);
  const to = path.replace("GetRunner", "StartJob");
  expect(await post(await signed(body, { to }), { body, to })).toMatchObject({
    reason: ProblemReason.EXECUTOR_MISSING,
  });
});

test("health is open and says two things first", async () => {
  const response = await fetch(`${runner.url}/health`);
  expect(await response.text()).toBe('{"status":"ok","version":"1.0.0"}');
});

test("unknown paths are not found", async () => {
  expect((await fetch(`${runner.url}/`)).status).toBe(404);
  expect((await fetch(`${runner.url}/grpc.health.v1.Health/Check`, { method: "POST" })).status).toBe(404);
});

test("a Unix socket serves as well as a port, also when a killed runner left its own behind", async () => {
  const own = makeDataDirectory();
  const socket = `${own.path}/gateway.sock`;
  const first = await startRunner(own.path, { HOST: `unix:${socket}` });
  await first.stop("SIGKILL");
  const second = await startRunner(own.path, { HOST: `unix:${socket}` });
  const body = await new Promise<string>((resolve, reject) => {
    request({ socketPath: socket, path: "/health" }, (response) => {
      response.setEncoding("utf8").once("data", resolve);
    })
      .once("error", reject)
      .end();
  });
  expect(body).toBe('{"status":"ok","version":"1.0.0"}');
  await second.stop("SIGINT");
  own.remove();
});
