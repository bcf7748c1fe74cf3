import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { GetRunnerRequestSchema, StartJobRequestSchema } from "#gen/runner/v1/runner_service_pb.js";
import { parseSecrets, type SigningKey, signatureHeader } from "#protocol/signature.ts";
import { startRequest } from "../runner/testing/jobs.ts";
import { createRunnerClient, signRequest } from "../runner/testing/runner-client.ts";
import { makeDataDirectory, startRunner, type TestRunner } from "../runner/testing/start-runner.ts";
import { hostileRepoRefs } from "./system/hostile-repo-refs.ts";
import { type RawRequest, refusalOf, sendRaw } from "./system/refusal.ts";

const data = makeDataDirectory();
let runner: TestRunner;
beforeAll(async () => {
  runner = await startRunner(data.path);
});
afterAll(async () => {
  await runner.stop("SIGINT");
  data.remove();
});

const service = "/blazecraft.runner.v1.RunnerService";
const type = "application/proto";
const start = toBinary(StartJobRequestSchema, startRequest("echo never"));
const noRunner = toBinary(GetRunnerRequestSchema, { $typeName: GetRunnerRequestSchema.typeName });
const badSignature = "401 unauthenticated bad_signature";

/** What a test signs, unless it says otherwise: the very request that it sends, now, with the right key. */
interface Signing {
  readonly key?: SigningKey;
  readonly path?: string;
  readonly contentType?: string;
  readonly body?: Uint8Array;
  readonly nowMs?: number;
}

/** Sends StartJob, signed as the test wants. */
async function startSigned(signing: Signing, request: RawRequest = {}): Promise<string> {
  const { key = runner.key, path = `${service}/StartJob`, contentType = type, body = start, nowMs } = signing;
  const signature = await signRequest(key, runner.url + path, contentType, body, nowMs);
  const headers = { "content-type": type, [signatureHeader]: signature, ...request.headers };
  return sendRaw(`${runner.url}${service}/StartJob`, { method: "POST", body: start, ...request, headers });
}

async function otherKey(secret: string): Promise<SigningKey> {
  const [key] = await parseSecrets("secret", secret);
  return key;
}

describe.concurrent("a call that is not signed as it should be", () => {
  test.for<readonly [what: string, send: () => Promise<string>, answer: string]>([
    ["has no signature", () => startSigned({}, { headers: { [signatureHeader]: "" } }), badSignature],
    ["has one that is none", () => startSigned({}, { headers: { [signatureHeader]: "v=1,kid=x" } }), badSignature],
    [
      "was signed with another secret",
      async () => startSigned({ key: await otherKey("another secret that is long enough too") }),
      badSignature,
    ],
    ["was signed for another path", () => startSigned({ path: `${service}/GetRunner` }), badSignature],
    ["was signed with a query", () => startSigned({ path: `${service}/StartJob?a=b` }), badSignature],
    ["was signed for another type", () => startSigned({ contentType: "application/json" }), badSignature],
    ["was signed for another body", () => startSigned({ body: noRunner }), badSignature],
    [
      "was signed for another byte",
      () => startSigned({}, { body: start.map((byte, index) => (index === 30 ? byte ^ 1 : byte)) }),
      badSignature,
    ],
    ["was signed 61 s ago", () => startSigned({ nowMs: Date.now() - 61_000 }), "401 unauthenticated clock_skew"],
    ["will be signed in 62 s", () => startSigned({ nowMs: Date.now() + 62_000 }), "401 unauthenticated clock_skew"],
    ["is a GET", () => startSigned({}, { method: "GET", body: "" }), badSignature],
    ["has 3 MB", () => startSigned({}, { body: Buffer.alloc(3_000_000) }), "429 resource_exhausted request_too_large"],
    [
      "has 3 MB and does not say so",
      () => startSigned({}, { body: Array.from({ length: 48 }, () => Buffer.alloc(65_536)) }),
      "429 resource_exhausted request_too_large",
    ],
    ["leads nowhere", () => sendRaw(`${runner.url}/etc/passwd`), "404 unimplemented"],
    ["calls nothing", () => sendRaw(`${runner.url}${service}/Nothing`, { method: "POST" }), "404 unimplemented"],
  ])("%s", async ([, send, answer]) => {
    expect(await send()).toBe(answer);
  });
});

test("a signature is good once", async () => {
  const url = `${runner.url}${service}/GetRunner`;
  const signature = await signRequest(runner.key, url, type, noRunner);
  const headers = { "content-type": type, [signatureHeader]: signature };
  const send = () => sendRaw(url, { method: "POST", headers, body: noRunner });
  expect([await send(), await send()]).toEqual(["200", "401 unauthenticated replayed_signature"]);
});

test("a runner takes an old secret until it is taken off its list", async () => {
  const [fresh, old] = ["the new secret which is long enough", "the old secret which is long enough"];
  const callWith = async (key: SigningKey, server: TestRunner) =>
    refusalOf(createRunnerClient(server.url, key).getRunner({}));
  const call = async (secret: string, server: TestRunner) => callWith(await otherKey(secret), server);
  for (const [list, answers] of [
    [`${fresh},${old}`, ["accepted", "accepted"]],
    [fresh, ["accepted", "unauthenticated bad_signature"]],
  ] as const) {
    const directory = makeDataDirectory();
    const rotated = await startRunner(directory.path, { GATEWAY_SECRET: list });
    expect([await call(fresh, rotated), await call(old, rotated)]).toEqual(answers);
    await rotated.stop("SIGINT");
    directory.remove();
  }
});

describe.concurrent("a call that is signed and wrong", () => {
  const spec = startRequest("echo never").spec;
  const field = (name: string) => `invalid_argument invalid_field ${name}`;
  const jobId = "job_0000000000000000";
  const json = { "content-type": "application/json" };
  const sendJson = (body: string) =>
    startSigned({ contentType: "application/json", body: Buffer.from(body) }, { headers: json, body });

  test.for<readonly [what: string, call: () => Promise<string>, answer: string]>([
    [
      "a malformed id",
      () => refusalOf(runner.client.startJob({ ...startRequest("a"), jobId: "../../etc" })),
      field("job_id"),
    ],
    ["attempt 0", () => refusalOf(runner.client.startJob({ ...startRequest("a"), attempt: 0 })), field("attempt")],
    [
      "no spec",
      () => refusalOf(runner.client.startJob({ jobId, attempt: 1, firstSequence: 1, runnerName: "a" })),
      field("spec"),
    ],
    [
      "first event 0",
      () => refusalOf(runner.client.startJob({ ...startRequest("a"), firstSequence: 0 })),
      field("first_sequence"),
    ],
    [
      "a runner's name with a slash",
      () => refusalOf(runner.client.startJob({ ...startRequest("a"), runnerName: "a/b" })),
      field("runner_name"),
    ],
    ["a command with a NUL", () => refusalOf(runner.client.startJob(startRequest("a\0"))), field("spec.task.command")],
    [
      "a reserved variable",
      () => refusalOf(runner.client.startJob(startRequest("a", { env: { LD_PRELOAD: "x" } }))),
      field("spec.env"),
    ],
    [
      "an agent that is not there",
      () => {
        const work = { case: "agent", value: { agent: "nobody", prompt: "x" } } as const;
        return refusalOf(runner.client.startJob(startRequest("a", { work })));
      },
      "failed_precondition executor_missing spec.agent.agent",
    ],
    [
      "a job that is not here",
      () => refusalOf(runner.client.streamEvents({ jobId, attempt: 1 })),
      "not_found job_not_found job_id",
    ],
    [
      "a stop of a job that is not here",
      () => refusalOf(runner.client.stopJob({ jobId, attempt: 1, cause: EndCause.CANCELED })),
      "not_found job_not_found job_id",
    ],
    ["a stop for no reason", () => refusalOf(runner.client.stopJob({ jobId, attempt: 1 })), field("cause")],
    ["an unknown field", () => sendJson('{"jobIdd":"x"}'), "400 invalid_argument malformed_request"],
    ["__proto__", () => sendJson('{"__proto__":{}}'), "400 invalid_argument malformed_request"],
    [
      "truncated protobuf",
      () => {
        const body = start.subarray(0, 20);
        return startSigned({ body }, { body });
      },
      "400 invalid_argument malformed_request",
    ],
    [
      "a compression bomb",
      () => {
        const body = gzipSync(Buffer.alloc(50_000_000));
        return startSigned({ body }, { body, headers: { "content-encoding": "gzip" } });
      },
      "501 unimplemented",
    ],
    [
      "another type",
      () => startSigned({ contentType: "text/plain" }, { headers: { "content-type": "text/plain" } }),
      "415",
    ],
  ])("%s is refused", async ([, call, answer]) => {
    expect(await call()).toBe(answer);
  });

  test.for(hostileRepoRefs.map((repoRef) => [repoRef.slice(0, 60), repoRef] as const))(
    "the repository %j is refused",
    async ([, repoRef]) => {
      const answer = await refusalOf(
        runner.client.startJob({ ...startRequest("a"), spec: { ...spec, repoRef } as never }),
      );
      expect(answer).toMatch(/^invalid_argument (invalid_field|repository_refused) spec\.repo_ref$/);
    },
  );
});

test("nothing of all this has happened", async () => {
  const { info } = await runner.client.getRunner({});
  expect(info).toMatchObject({ usedSlots: 0, attempts: [], draining: false });
  const jobs = join(data.path, "jobs");
  expect(existsSync(jobs) ? readdirSync(jobs) : []).toEqual([]);
});
