import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { JobState } from "#gen/job/v1/job_pb.js";
import { type Model, startModel } from "./model/model.ts";
import { inOrder } from "./model/script.ts";
import { answer, text, toolUse } from "./model/turn.ts";
import { readJob, watchToEnd } from "./system/jobs.ts";
import { refusalOf, sendRaw } from "./system/refusal.ts";
import { post, type RestJob } from "./system/rest.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

let system: TestSystem;
let model: Model;
/** Three parts of an upload. */
const log = Buffer.from(`${randomBytes(600_000).toString("hex")}\nthe cake is chocolate\n`);
const note = Buffer.from("a note\n");

beforeAll(async () => {
  const show = { command: "tail -n 1 $HOME/../attachments/long.log", description: "Show the end" };
  model = await startModel({
    script: inOrder({ main: [answer([toolUse("Bash", show)]), answer([text("Chocolate.")])], subagent: [] }),
  });
  system = await startSystem({ runnerEnv: { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "sk-test" } });
});
afterAll(async () => {
  await system.stop();
  await model.close();
});

test("a file reaches the agent of a job, whatever broke on its way", async () => {
  const sha256 = digestOf(log);
  const put = async (offset: number) => {
    const data = log.subarray(offset, offset + 500_000);
    return (await system.jobs.uploadAttachment({ sha256, size: log.length, offset, data })).received;
  };
  await put(0);
  await system.gateway.kill("SIGKILL");
  await system.gateway.start();
  expect(await put(0)).toBe(500_000);
  expect(await upload(log)).toBe("201");
  expect(await upload(log)).toBe("200");
  const wish = { type: "claude", repo_ref: "test", prompt: "Which cake?", permission_mode: "bypass" };
  const created = await post(system, "/api/jobs", { ...wish, attachments: [{ sha256, name: "long.log" }] });
  const { id } = (await created.json()) as RestJob;
  const events = await watchToEnd(system, id);
  const results = events.flatMap(({ payload }) =>
    payload.case === "agent" && payload.value.event.case === "toolResult" ? [payload.value.event.value.text] : [],
  );
  expect(results).toEqual(["the cake is chocolate"]);
  expect(await readJob(system, id)).toMatchObject({ status: { state: JobState.SUCCEEDED }, result: "Chocolate." });
  const directory = join(system.stateFolder, "runner/sessions", id, "attachments");
  expect(model.requests.map(({ call }) => call?.prompt ?? "").join("")).toContain(`${directory}/long.log`);
});

describe("an upload is refused", () => {
  test.each([
    ["under another digest", "0".repeat(64), note, "400 invalid_argument attachment_missing sha256"],
    ["of an archive", digestOf(zip()), zip(), "400 invalid_argument invalid_field data"],
    ["under no digest", "readme", note, "400 invalid_argument invalid_field sha256"],
    ["of nothing", digestOf(Buffer.alloc(0)), Buffer.alloc(0), "400 invalid_argument malformed_request Content-Length"],
    ["of too much", digestOf(note), Buffer.alloc(11 << 20), "413 resource_exhausted request_too_large"],
  ])("%s", async (_, sha256, content, refusal) => {
    expect(await upload(content, sha256)).toBe(refusal);
  });

  test("whose parts leave a hole", async () => {
    const part = { sha256: digestOf(note), size: note.length, offset: 3, data: note.subarray(3) };
    expect(await refusalOf(system.jobs.uploadAttachment(part))).toBe("failed_precondition attachment_missing offset");
  });
});

test("a job is refused whose attachment is not here, or only in part", async () => {
  const [first, second] = [digestOf(note), digestOf(Buffer.from("never uploaded"))];
  const create = (...digests: string[]) => {
    const attachments = digests.map((sha256, index) => ({ sha256, name: `${index}.txt` }));
    const work = { case: "agent", value: { agent: "claude", prompt: "Go.", attachments } } as const;
    return refusalOf(system.jobs.createJob({ spec: { repoRef: "test", work } }));
  };
  const part = { sha256: first, size: note.length, offset: 0, data: note.subarray(0, 3) };
  await system.jobs.uploadAttachment(part);
  expect(await create(first)).toBe("failed_precondition attachment_missing spec.agent.attachments[0].sha256");
  await upload(note);
  expect(await create(first, second)).toBe("failed_precondition attachment_missing spec.agent.attachments[1].sha256");
  const wish = { type: "claude", repo_ref: "test", prompt: "Go.", attachments: [{ sha256: first, title: "a.txt" }] };
  const body = JSON.stringify(wish);
  const headers = { "content-type": "application/json" };
  expect(await sendRaw(`${system.gatewayUrl}/api/jobs`, { method: "POST", headers, body })).toBe(
    "400 invalid_argument invalid_field attachments[0].name",
  );
});

/** PUT of a file, answered as sendRaw tells it. */
async function upload(content: Buffer, sha256 = digestOf(content)): Promise<string> {
  const headers = { "content-length": String(content.length) };
  const url = `${system.gatewayUrl}/api/attachments/${sha256}`;
  return (await sendRaw(url, { method: "PUT", headers, body: content })).trimEnd();
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function zip(): Buffer {
  return Buffer.from("504b030414000000", "hex");
}
