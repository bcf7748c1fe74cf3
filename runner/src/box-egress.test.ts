import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RefusalReason } from "#gen/job/v1/job_event_pb.js";
import { ActorKind } from "#gen/job/v1/job_pb.js";
import { answerWithGit } from "../../e2e/git/http-backend.ts";
import { makeRepository } from "../../e2e/git/make-repository.ts";
import { makeIdentity } from "../../e2e/tls/self-signed.ts";
import { endOf, followJob, logText, type NumberedEvent, startRequest } from "../testing/jobs.ts";
import { makeDataDirectory, startRunner, type TestRunner } from "../testing/start-runner.ts";

const data = makeDataDirectory();
const identity = makeIdentity(["host.localhost"]);
let directory: string;
let runner: TestRunner;
let host: string;
const server = createServer(identity, (request, response) => answer(request, response));

beforeAll(async () => {
  directory = mkdtempSync(`${tmpdir()}/blazecraft-host-`);
  await makeRepository(directory, "project", [{ message: "Begin", files: { "read.me": "from git\n" } }]);
  mkdirSync(`${directory}/package`);
  writeFileSync(`${directory}/package/package.json`, JSON.stringify({ name: "small", version: "1.0.0" }));
  execFileSync("tar", ["-C", directory, "-czf", `${directory}/small.tgz`, "package"]);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  host = `host.localhost:${(server.address() as AddressInfo).port}`;
  runner = await startRunner(data.path, {
    ISOLATION: "bubblewrap",
    EGRESS_ALLOW: host,
    EGRESS_ALLOW_ADDRESSES: "127.0.0.0/8",
  });
});
afterAll(async () => {
  await runner.stop("SIGINT");
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true });
  data.remove();
});

/** A git host, a registry of one package, and a page. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const { url = "" } = request;
  const tarball = readFileSync(`${directory}/small.tgz`);
  if (url.startsWith("/project")) void answerWithGit(request, response, { folder: directory, user: "caller" });
  else if (url === "/small.tgz") response.end(tarball);
  else if (url === "/small") {
    const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
    const dist = { tarball: `https://${request.headers.host}/small.tgz`, integrity };
    const versions = { "1.0.0": { name: "small", version: "1.0.0", dist } };
    response.end(JSON.stringify({ name: "small", "dist-tags": { latest: "1.0.0" }, versions }));
  } else response.end("hello from the host\n");
}

/** What lets programs trust the host, and not take it for the job's own loopback. */
const prelude = `printf '%s' "$CA" > ca.pem; export CURL_CA_BUNDLE=$PWD/ca.pem GIT_SSL_CAINFO=$PWD/ca.pem npm_config_cafile=$PWD/ca.pem;`;

function request(command: string, allowedHosts: readonly string[] = []) {
  const env = { CA: identity.cert, NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" };
  return startRequest(`${prelude} ${command}`, { env, allowedHosts: [...allowedHosts] });
}

async function run(command: string, allowedHosts: readonly string[] = []) {
  const started = request(command, allowedHosts);
  await runner.client.startJob(started);
  const events = await followJob(runner.client, started);
  return { output: logText(events), outcome: endOf(events).outcome, told: networkEvents(events) };
}

function networkEvents(events: readonly NumberedEvent[]) {
  return events.flatMap(({ payload }) => (payload.case === "network" ? [payload.value.event] : []));
}

test.each([
  ["curl", () => `curl -sS https://${host}/`, "hello from the host"],
  ["git", () => `git clone -q https://${host}/project.git && cat project/read.me`, "from git"],
  [
    "npm",
    () => `npm install --no-audit --no-fund --registry https://${host}/ small && cat node_modules/small/package.json`,
    '"version":"1.0.0"',
  ],
])("%s reaches an allowed host from inside a box", async (_, command, expected) => {
  const { output, outcome, told } = await run(command());
  expect([output, outcome]).toMatchObject([expect.stringContaining(expected), { exitCode: 0 }]);
  expect(told).toEqual([]);
});

test.each([
  ["another host", () => "curl -sS https://other.example/", { host: "other.example", port: 443 }],
  ["another port", () => "curl -sS http://host.localhost:81/ -f", { host: "host.localhost", port: 81 }],
  ["an address", () => "curl -sS https://1.1.1.1/", { host: "1.1.1.1", reason: RefusalReason.MALFORMED }],
  [
    "metadata",
    () => "curl -sSf http://169.254.169.254/latest/",
    { host: "169.254.169.254", reason: RefusalReason.MALFORMED },
  ],
])("%s is refused, and told", async (_, command, refused) => {
  const { outcome, told } = await run(command());
  expect(outcome).not.toMatchObject({ exitCode: 0 });
  expect(told).toMatchObject([{ case: "refused", value: { count: 1, ...refused } }]);
});

test.each([
  ["a server on the runner's loopback", () => `https://127.0.0.1:${host.split(":")[1]}/`],
  ["the runner", () => `${runner.url}/health`],
])("without the proxy there is no way to %s", async (_, url) => {
  const { outcome } = await run(`curl -sS -k --noproxy '*' ${url()}`);
  expect(outcome?.exitCode).toBe(7);
});

test("a job's network is a loopback alone, and its own", async () => {
  const { output } = await run("tail -n +3 /proc/net/dev | cut -d: -f1 | xargs echo devices:");
  expect(output).toBe("devices: lo\n");
});

test("a job's own loopback is its own", async () => {
  const serve = `node -e 'require("http").createServer((_, r) => r.end("mine")).listen(3000, "127.0.0.1")' & server=$!`;
  const { output } = await run(`${serve}; until curl -s http://127.0.0.1:3000/; do sleep 0.1; done; kill $server`);
  expect(output).toContain("mine");
});

test("a host that is refused and then allowed is reached by the same job", async () => {
  const started = request(
    "until curl -sSf https://other.localhost:1/ 2>&1 | tee tried | grep -q 502; do sleep 0.1; done",
  );
  await runner.client.startJob(started);
  const held = { jobId: started.jobId, attempt: started.attempt };
  const isRefused = (events: readonly NumberedEvent[]) => networkEvents(events).length > 0;
  await followJob(runner.client, started, { enough: isRefused });
  const actor = { kind: ActorKind.CALLER, id: "ana" };
  await runner.client.allowHost({ ...held, host: "other.localhost:1", actor });
  const events = await followJob(runner.client, started);
  expect(endOf(events).outcome).toMatchObject({ exitCode: 0 });
  const told = networkEvents(events).filter((event) => event.case === "allowed" || event.value?.count === 1);
  expect(told).toMatchObject([
    { case: "refused", value: { host: "other.localhost", port: 1, reason: RefusalReason.NOT_ALLOWED } },
    { case: "allowed", value: { host: "other.localhost:1", actor } },
    { case: "refused", value: { host: "other.localhost", port: 1, reason: RefusalReason.UNREACHABLE } },
  ]);
});

test("what a job may reach is its own affair, and the runner says what all may", async () => {
  const { told } = await run("curl -sS https://mine.example/ || true", ["mine.example"]);
  expect(told).toMatchObject([{ value: { host: "mine.example", reason: RefusalReason.UNREACHABLE } }]);
  expect((await run("curl -sS https://mine.example/ || true")).told).toMatchObject([
    { value: { host: "mine.example", reason: RefusalReason.NOT_ALLOWED } },
  ]);
  const { info } = await runner.client.getRunner({});
  expect(info).toMatchObject({ allowedHosts: [host], moreHosts: true });
});
