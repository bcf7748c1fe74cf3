import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { findProblem } from "#protocol/problem.ts";
import { type Model, startModel } from "../../e2e/model/model.ts";
import { inOrder } from "../../e2e/model/script.ts";
import { answer, text, toolUse } from "../../e2e/model/turn.ts";
import { endOf, followJob, startRequest } from "../testing/jobs.ts";
import { makeDataDirectory, startRunner, type TestRunner } from "../testing/start-runner.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let data: ReturnType<typeof makeDataDirectory>;
let runner: TestRunner;

beforeEach(async () => {
  data = makeDataDirectory();
  runner = await startRunner(data.path);
});
afterEach(async () => {
  await runner.stop("SIGINT");
  data.remove();
});

const content = randomBytes(700_000);
const size = content.length;
const sha256 = digestOf(content);

test("a content comes in parts, also over a restart, and parts that are here change nothing", async () => {
  expect(await put(0, content.subarray(0, 500_000))).toBe(500_000);
  expect(await put(0, content.subarray(0, 300_000))).toBe(500_000);
  await runner.stop("SIGKILL");
  runner = await startRunner(data.path);
  expect(await put(0, new Uint8Array(0))).toBe(500_000);
  expect(await put(500_000, content.subarray(500_000))).toBe(size);
  expect(await put(0, content.subarray(0, 500_000))).toBe(size);
  expect(readFileSync(join(data.path, "attachments", sha256)).equals(content)).toBe(true);
});

test("a part that leaves a hole, reaches too far or makes another content is refused", async () => {
  expect(await refusal(put(1, content.subarray(1, 10)))).toBe("ATTACHMENT_MISSING offset");
  expect(await refusal(put(size - 1, content.subarray(0, 2)))).toBe("INVALID_FIELD size");
  await put(0, content.subarray(0, 500_000));
  expect(await refusal(put(500_000, randomBytes(200_000)))).toBe("ATTACHMENT_MISSING sha256");
  expect(await put(0, new Uint8Array(0))).toBe(0);
});

test("what no job took for an hour is deleted when the next content comes", async () => {
  await put(0, content.subarray(0, 500_000));
  const directory = join(data.path, "attachments");
  const twoHoursAgo = Date.now() / 1000 - 7200;
  for (const name of readdirSync(directory)) utimesSync(join(directory, name), twoHoursAgo, twoHoursAgo);
  const note = Buffer.from("a note");
  await runner.client.putAttachment({ sha256: digestOf(note), size: note.length, offset: 0, data: note });
  expect(readdirSync(directory)).toEqual([digestOf(note)]);
});

test("a job whose attachment is not here is not started", async () => {
  const value = { agent: "claude", prompt: "Go.", attachments: [{ sha256, name: "a.txt" }] };
  const request = startRequest("", { work: { case: "agent", value } });
  expect(await refusal(runner.client.startJob(request))).toBe("ATTACHMENT_MISSING spec.agent.attachments[0].sha256");
});

describe("with an agent", () => {
  let model: Model;
  beforeEach(async () => {
    await runner.stop("SIGINT");
    const turns = [answer([toolUse("Read", { file_path: attachedFile("the note.txt") })]), answer([text("Read it.")])];
    model = await startModel({ script: inOrder({ main: turns, subagent: [] }) });
    runner = await startRunner(data.path, { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "sk-test" });
  });
  afterEach(() => model.close());

  const jobId = "job_attached00000000";
  const attachedFile = (name: string) => join(data.path, "sessions", jobId, "attachments", name);

  test("it is told where its files are and reads them unasked; nobody else's copy can be changed", async () => {
    const note = Buffer.from("the password of the cake is chocolate\n");
    await runner.client.putAttachment({ sha256: digestOf(note), size: note.length, offset: 0, data: note });
    const attachments = [{ sha256: digestOf(note), name: "the note.txt" }];
    const work = { case: "agent", value: { agent: "claude", prompt: "Read the note.", attachments } } as const;
    const request = { ...startRequest("", { work }), jobId };
    await runner.client.startJob(request);
    const events = await followJob(runner.client, request);
    expect(endOf(events)).toMatchObject({ outcome: { cause: EndCause.COMPLETED }, result: "Read it." });
    const results = events.flatMap(({ payload }) =>
      payload.case === "agent" && payload.value.event.case === "toolResult" ? [payload.value.event.value] : [],
    );
    expect(results).toMatchObject([{ isError: false, text: expect.stringContaining("chocolate") }]);
    expect(model.requests.map(({ call }) => call?.prompt ?? "").join("")).toContain(attachedFile("the note.txt"));
    expect(statSync(attachedFile("the note.txt")).mode & 0o777).toBe(0o400);
    writeFileSync(attachedFile("the note.txt"), "changed");
    expect(readFileSync(join(data.path, "attachments", digestOf(note)), "utf8")).toBe(note.toString());
  });
});

async function put(offset: number, part: Uint8Array): Promise<number> {
  const { received } = await runner.client.putAttachment({ sha256, size, offset, data: part });
  return received;
}

async function refusal(call: Promise<unknown>): Promise<string> {
  const problem = await call.then(
    () => undefined,
    (error: unknown) => findProblem(ConnectError.from(error)),
  );
  return `${ProblemReason[problem?.reason ?? 0]} ${problem?.field}`;
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
