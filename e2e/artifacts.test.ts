import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Job } from "#gen/job/v1/job_pb.js";
import { JobService } from "#gen/job/v1/job_service_pb.js";
import { createTask, logText, readJob, watchToEnd } from "./system/jobs.ts";
import { refusalOf, sendRaw } from "./system/refusal.ts";
import { get } from "./system/rest.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

const largeBytes = 50_000_000;
const strange = 'two\nlines & "quotes" #1 ü.txt';

let system: TestSystem;
let job: Job;
/** SHA-256 of the large file, as the job itself computed it. */
let largeDigest: string;

beforeAll(async () => {
  system = await startSystem();
  const command = [
    `mkdir -p out/deep; head -c ${largeBytes} /dev/urandom > out/large`,
    `printf hello > "out/deep/$(printf '${strange.replace("\n", "\\n")}')"`,
    "sha256sum < out/large; exit 3",
  ].join("; ");
  ({ job, log: largeDigest } = await run(command, ["out", "missing"]));
  largeDigest = largeDigest.slice(0, 64);
}, 120_000);
afterAll(() => system.stop());

test("they are counted, and listed by path, though the job failed", async () => {
  expect(job.artifacts).toBe(2);
  const { artifacts } = await system.jobs.listArtifacts({ id: job.id });
  expect(artifacts.map(({ path, size }) => [path, size])).toEqual([
    [`out/deep/${strange}`, 5n],
    ["out/large", BigInt(largeBytes)],
  ]);
  const listed = await (await get(system, `/api/jobs/${job.id}/artifacts`)).json();
  expect(listed).toEqual({
    artifacts: [
      { path: `out/deep/${strange}`, size: 5, sha256: digest("hello") },
      { path: "out/large", size: largeBytes, sha256: largeDigest },
    ],
  });
  const shown: unknown = await (await get(system, `/api/jobs/${job.id}`)).json();
  expect(shown).toMatchObject({ artifacts: ["out", "missing"], artifact_count: 2 });
});

test("50 MB come byte for byte by REST, with what a browser needs to save them", async () => {
  const response = await get(system, pathOf("out/large"));
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "application/octet-stream",
    "content-length": String(largeBytes),
    "content-disposition": `attachment; filename="large"; filename*=UTF-8''large`,
    "x-content-type-options": "nosniff",
    etag: `"${largeDigest}"`,
  });
  const hash = createHash("sha256");
  for await (const part of response.body ?? []) hash.update(part);
  expect(hash.digest("hex")).toBe(largeDigest);
}, 120_000);

test.each([
  ["Connect", () => createConnectTransport({ baseUrl: system.gatewayUrl, useBinaryFormat: true })],
  ["Connect with a deadline", () => createConnectTransport({ baseUrl: system.gatewayUrl, defaultTimeoutMs: 60_000 })],
  ["gRPC-Web", () => createGrpcWebTransport({ baseUrl: system.gatewayUrl })],
])("they come over %s, from any byte on", async (_, open) => {
  const jobs = createClient(JobService, open());
  const read = async (path: string, offset: bigint) => {
    const parts = await Array.fromAsync(jobs.readArtifact({ id: job.id, path, offset }));
    return Buffer.concat(parts.map(({ data }) => data));
  };
  expect((await read(`out/deep/${strange}`, 0n)).toString()).toBe("hello");
  expect((await read(`out/deep/${strange}`, 3n)).toString()).toBe("lo");
  expect(await read(`out/deep/${strange}`, 5n)).toHaveLength(0);
  expect(await refusalOf(read(`out/deep/${strange}`, 6n))).toBe("out_of_range invalid_field offset");
  expect(await refusalOf(read("out/other", 0n))).toBe("not_found artifact_missing path");
});

test("a download goes on where it broke off, and is not repeated when it is known", async () => {
  const path = pathOf(`out/deep/${strange}`);
  const etag = `"${digest("hello")}"`;
  const ask = async (headers: Readonly<Record<string, string>>) => {
    const response = await get(system, path, headers);
    return [response.status, response.headers.get("content-range"), await response.text()];
  };
  expect(await ask({ range: "bytes=2-" })).toEqual([206, "bytes 2-4/5", "llo"]);
  expect(await ask({ range: "bytes=2-", "if-range": etag })).toEqual([206, "bytes 2-4/5", "llo"]);
  expect(await ask({ range: "bytes=2-", "if-range": '"another"' })).toEqual([200, null, "hello"]);
  expect(await ask({ range: "bytes=5-" })).toEqual([416, "bytes */5", ""]);
  expect(await ask({ range: "bytes=1-2" })).toEqual([200, null, "hello"]);
  expect(await ask({ range: "bytes=0-" })).toEqual([200, null, "hello"]);
  expect(await ask({ "if-none-match": etag })).toEqual([304, null, ""]);
  const head = await fetch(system.gatewayUrl + path, { method: "HEAD" });
  expect([head.status, head.headers.get("etag")]).toEqual([200, etag]);
  const [disposition = ""] = [head.headers.get("content-disposition") ?? ""];
  expect(decodeURIComponent(disposition.split("''")[1] ?? "")).toBe(strange);
});

describe("refused", () => {
  test.each([
    ["a file that is none", "out/other", "404 not_found artifact_missing path"],
    ["a directory", "out", "404 not_found artifact_missing path"],
    ["a way out", "..%2f..%2fjob", "404 not_found artifact_missing path"],
    ["what is no path", "%ff", "400 invalid_argument invalid_field path"],
  ])("is %s", async (_, path, refusal) => {
    expect(await sendRaw(`${system.gatewayUrl}/api/jobs/${job.id}/artifacts/${path}`)).toBe(refusal);
  });

  test("is another job", async () => {
    const other = "/api/jobs/job_0000000000000000/artifacts";
    expect(await sendRaw(`${system.gatewayUrl}${other}`)).toBe("404 not_found job_not_found id");
    expect(await sendRaw(`${system.gatewayUrl}${other}/a`)).toBe("404 not_found job_not_found id");
  });

  test("is a pattern that leads out", async () => {
    const spec = { artifacts: ["a/../../b"] };
    expect(await refusalOf(createTask(system, "true", spec))).toContain(
      "invalid_argument invalid_field spec.artifacts[0]",
    );
  });
});

test("while the runner is away its name is told, and what is deleted then is forgotten when it is back", async () => {
  const { job: kept } = await run("echo 1 > a", ["a"]);
  const { job: deleted } = await run("echo 2 > b", ["b"]);
  await system.runner.kill("SIGKILL");
  const response = await get(system, `/api/jobs/${kept.id}/artifacts/a`);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ reason: "runner_offline", message: expect.stringContaining("vm-1") });
  await system.jobs.deleteJob({ id: deleted.id });
  await system.runner.start();
  expect(existsSync(placeOf(deleted))).toBe(true);
  await system.fleet.checkRunner({ name: "vm-1" });
  await expect.poll(() => existsSync(placeOf(deleted))).toBe(false);
  expect(await (await get(system, `/api/jobs/${kept.id}/artifacts/a`)).text()).toBe("1\n");
});

test("a job that is deleted leaves nothing of them at the runner", async () => {
  const { job: other } = await run("echo 1 > a", ["a"]);
  expect(readdirSync(placeOf(other))).toHaveLength(1);
  await system.jobs.deleteJob({ id: other.id });
  expect(existsSync(placeOf(other))).toBe(false);
  expect(existsSync(placeOf(job))).toBe(true);
});

async function run(command: string, artifacts: readonly string[]): Promise<{ job: Job; log: string }> {
  const { id } = await createTask(system, command, { artifacts: [...artifacts] });
  const events = await watchToEnd(system, id);
  return { job: await readJob(system, id), log: logText(events) };
}

function pathOf(path: string): string {
  return `/api/jobs/${job.id}/artifacts/${path.split("/").map(encodeURIComponent).join("/")}`;
}

function placeOf({ id }: Job): string {
  return join(system.stateFolder, "runner/artifacts", id);
}

function digest(content: string): string {
  return createHash("sha256").update(content).digest("hex");
}
