import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { JobEventSchema, LogStream } from "#gen/job/v1/job_event_pb.js";
import { endOf, followJob, logText, startRequest } from "../testing/jobs.ts";
import { makeDataDirectory, startRunner, type TestRunner } from "../testing/start-runner.ts";

// Starting real processes takes its time on a busy machine.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const printForms = fileURLToPath(new URL("../testing/print-forms.ts", import.meta.url));
const ofRunner = {
  GATEWAY_SECRET: "a secret of the tests that is long enough",
  ANTHROPIC_API_KEY: "sk-ant-api03-0123456789_abcdefghij-KLMNOPQRSTUVWXYZ",
  GITHUB_TOKEN: "github_pat_0123456789abcdef",
};
const ofFile = ["correct horse battery staple", "it's /pässwörter\\/ $geheim+1"];
const ofJob = "a-token-of-this-job-alone";
const all = [...Object.values(ofRunner), ...ofFile, ofJob];

const data = makeDataDirectory();
const directory = mkdtempSync(`${tmpdir()}/blazecraft-secrets-`);
let runner: TestRunner;

beforeAll(async () => {
  writeFileSync(`${directory}/redact`, `${ofFile.join("\n")}\n`);
  writeFileSync(`${directory}/secrets.json`, JSON.stringify(all));
  runner = await startRunner(data.path, { ...ofRunner, REDACT_FILE: `${directory}/redact` });
});

afterAll(async () => {
  await runner.stop("SIGINT");
  data.remove();
  rmSync(directory, { recursive: true });
});

test("a secret is in no event, spool or log, however the job prints it", async () => {
  const command = `'${process.execPath}' '${printForms}' '${directory}/secrets.json'; printf ${"x".repeat(64)}`;
  const request = startRequest(command, { env: { DEPLOY_TOKEN: ofJob, DEPLOY_STAGE: "x".repeat(64) } });
  await runner.client.startJob(request);
  const events = await followJob(runner.client, request);
  expect(endOf(events).outcome?.exitCode).toBe(0);
  const spool = filesUnder(`${data.path}/jobs/${request.jobId}/spool`);
  expect(spool.length).toBeGreaterThan(0);
  for (const bytes of spool) expectNone(bytes, all);
  for (const event of events) expectNone(Buffer.from(toBinary(JobEventSchema, event)), all);
  for (const stream of [LogStream.STDOUT, LogStream.STDERR]) expectNone(Buffer.from(logText(events, stream)), all);
  // Of the job's own settings, what is not secret is shown.
  expect(logText(events)).toContain("x".repeat(64));
  expectNone(readFileSync(`${data.path}/supervisors.log`), all);
  expectNone(Buffer.from(runner.log()), all);
});

test("what a job leaves on disk holds no secret of the runner's", async () => {
  const request = startRequest("echo done");
  await runner.client.startJob(request);
  await followJob(runner.client, request);
  for (const bytes of filesUnder(data.path)) expectNone(bytes, [...Object.values(ofRunner), ...ofFile]);
});

function filesUnder(path: string): Buffer[] {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => (entry.isFile() ? [readFileSync(`${entry.parentPath}/${entry.name}`)] : []));
}

/** Not even the first or last bytes of one are there, in any form, colours aside. */
function expectNone(bytes: Buffer, secrets: readonly string[]): void {
  const bare = bytes.toString("latin1").replaceAll("\u001b[1m", "").replaceAll("\u001b[0m", "");
  for (const secret of secrets) {
    const raw = Buffer.from(secret);
    const hex = raw.toString("hex").slice(0, 16);
    const inBase64 = [0, 1, 2].map((skip) => raw.subarray(skip).toString("base64").slice(0, 8));
    const plain = raw.toString("latin1");
    const wide = Buffer.from(secret, "utf16le").toString("latin1").slice(0, 16);
    for (const form of [plain.slice(0, 8), plain.slice(-8), wide, hex, hex.toUpperCase(), ...inBase64]) {
      if (bare.includes(form)) expect.fail(`"${form}" of "${secret}" is shown`);
    }
  }
}
