import { create } from "@bufbuild/protobuf";
import { Code, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { MessageSchema, MessageState } from "#gen/job/v1/job_event_pb.js";
import { type Job, JobSchema, JobState, PermissionMode } from "#gen/job/v1/job_pb.js";
import { type CreateJobRequest, JobService, type SendMessageRequest } from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import { validateRequests } from "#protocol/validation.ts";
import { createGateway } from "../transport.ts";
import { createComposer } from "./composer.ts";

const id = "job_0000000000000001";
const running = job(JobState.RUNNING);

test("a message is queued until the agent has it", async () => {
  const page = open({
    sendMessage: ({ action }) => ({ message: queued("1", action.case === "send" ? "Stop that." : "") }),
  });
  page.composer.drafts.write(id, "Stop that.");
  await page.composer.send(running);
  expect(page.composer.drafts.read(id)).toBe("");
  expect(page.composer.queued(id)).toMatchObject([{ text: "Stop that." }]);
  page.composer.learn(id, [create(MessageSchema, { ...queued("1", "Stop that."), state: MessageState.CONSUMED })]);
  page.composer.learn(id, [queued("1", "Stop that.")]);
  expect(page.composer.queued(id)).toEqual([]);
});

test("interrupting, changing and withdrawing are calls of their own", async () => {
  const calls: SendMessageRequest["action"][] = [];
  const page = open({
    sendMessage: ({ action }) => {
      calls.push(action);
      return {};
    },
  });
  page.composer.drafts.write(id, "Now.");
  await page.composer.send(running, { interrupt: true });
  await page.composer.change(id, "msg_0000000000000001", "Later.");
  await page.composer.withdraw(id, "msg_0000000000000001");
  expect(calls).toMatchObject([
    { case: "send", value: { text: "Now.", interrupt: true } },
    { case: "edit", value: { id: "msg_0000000000000001", text: "Later." } },
    { case: "withdrawId", value: "msg_0000000000000001" },
  ]);
});

test("what a stream told before does not undo what was changed since", () => {
  const page = open({});
  const told = queued("1", "old");
  page.composer.learn(id, [told]);
  page.composer.learn(id, [queued("1", "new")]);
  page.composer.learn(id, [told]);
  expect(page.composer.queued(id)).toMatchObject([{ text: "new" }]);
});

test("a finished job is continued with its whole spec, in the mode it ended in", async () => {
  const calls: CreateJobRequest[] = [];
  const whole = {
    repoRef: "test",
    env: { A: "1" },
    work: { case: "agent", value: { agent: "claude", prompt: "First." } },
  } as const;
  const page = open({
    getJob: () => ({ job: create(JobSchema, { id, spec: whole }) }),
    createJob: (request) => {
      calls.push(request);
      return { job: create(JobSchema, { id: "job_0000000000000002" }) };
    },
  });
  page.composer.drafts.write(id, "And then?");
  await page.composer.send(
    create(JobSchema, { ...job(JobState.SUCCEEDED), permissionMode: PermissionMode.ACCEPT_EDITS }),
  );
  expect(calls[0]).toMatchObject({
    continues: id,
    spec: {
      env: { A: "1" },
      work: { case: "agent", value: { prompt: "And then?", permissionMode: PermissionMode.ACCEPT_EDITS } },
    },
  });
  expect(page.continued).toEqual(["job_0000000000000002"]);
});

test("a refused message keeps its text and says why", async () => {
  const page = open({
    sendMessage: () => {
      throw problemError({
        code: Code.FailedPrecondition,
        reason: ProblemReason.JOB_FINISHED,
        message: "the job is final",
        action: "Continue it.",
      });
    },
  });
  page.composer.drafts.write(id, "Hello?");
  await page.composer.send(running);
  expect(page.composer.failure.value).toBe("The job is final. Continue it.");
  expect(page.composer.drafts.read(id)).toBe("Hello?");
});

test("drafts outlive the page, and the text sent last can be had again", async () => {
  const page = open({ sendMessage: () => ({}) });
  page.composer.drafts.write(id, "One.");
  expect(open({}, page.storage).composer.drafts.read(id)).toBe("One.");
  await page.composer.send(running);
  page.composer.recall(id);
  expect(page.composer.drafts.read(id)).toBe("One.");
});

function open(service: Partial<ServiceImpl<typeof JobService>>, storage = createMemoryStorage()) {
  const continued: string[] = [];
  const transport = createRouterTransport(({ service: add }) => add(JobService, service), {
    router: { interceptors: [validateRequests] },
  });
  const composer = createComposer({
    jobs: createGateway(transport).jobs,
    storage: () => storage,
    onContinued: (made) => continued.push(made.id),
  });
  return { composer, continued, storage };
}

function job(state: JobState): Job {
  return create(JobSchema, { id, status: { state } });
}

function queued(number: string, text: string) {
  return create(MessageSchema, { id: `msg_${number.padStart(16, "0")}`, state: MessageState.QUEUED, text });
}

function createMemoryStorage(): Pick<Storage, "getItem" | "setItem"> {
  const cells = new Map<string, string>();
  return {
    getItem: (name) => cells.get(name) ?? null,
    setItem: (name, text) => {
      cells.set(name, text);
    },
  };
}
