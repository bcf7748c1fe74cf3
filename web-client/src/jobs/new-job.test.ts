import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { JobSchema } from "#gen/job/v1/job_pb.js";
import { JobService } from "#gen/job/v1/job_service_pb.js";
import { validateRequests } from "#protocol/validation.ts";
import { createGateway } from "../transport.ts";
import { createNewJob } from "./new-job.ts";

test("a created job is handed on, and its text leaves the form", async () => {
  const created: string[] = [];
  const form = open({ createJob: ({ spec }) => ({ job: create(JobSchema, { id: "job_1", spec }) }) }, { created });
  form.edit("task", { work: "echo hello", repoRef: "test" });
  const running = form.run();
  expect(form.sending.value?.repoRef).toBe("test");
  await running;
  expect(created).toEqual(["job_1"]);
  expect(form.draft("task")).toMatchObject({ work: "", repoRef: "test" });
  expect(form.sending.value).toBeUndefined();
});

test("a refused job keeps its text and names the field at fault", async () => {
  const form = open({ createJob: () => ({}) });
  form.edit("task", { work: " \n ", repoRef: "test" });
  await form.run();
  expect(form.refusal.value).toEqual({ field: "work", message: "command must not be blank", action: "" });
  expect(form.draft("task").work).toBe(" \n ");
  form.edit("task", { work: "true" });
  expect(form.refusal.value).toBeUndefined();
});

test("running the same draft again after a lost answer uses the same key, a changed draft another", async () => {
  const keys: string[] = [];
  const form = open({
    createJob: ({ idempotencyKey }) => {
      keys.push(idempotencyKey);
      throw new ConnectError("gone", Code.Unavailable);
    },
  });
  form.edit("task", { work: "true", repoRef: "test" });
  await form.run();
  await form.run();
  form.edit("task", { work: "false" });
  await form.run();
  expect(keys[0]).toBe(keys[1]);
  expect(keys[2]).not.toBe(keys[0]);
});

test("drafts outlive the page, one for each type", () => {
  const storage = createMemoryStorage();
  const form = open({}, { storage });
  form.edit("task", { work: "make" });
  form.edit("claude", { work: "Explain." });
  form.chooseType("claude");
  const later = open({}, { storage });
  expect([later.type.value, later.draft("task").work, later.draft("claude").work]).toEqual([
    "claude",
    "make",
    "Explain.",
  ]);
});

interface Page {
  readonly created?: string[];
  readonly storage?: Pick<Storage, "getItem" | "setItem">;
}

function open(service: Partial<ServiceImpl<typeof JobService>>, page: Page = {}) {
  const { storage = createMemoryStorage() } = page;
  const transport = createRouterTransport(({ service: serve }) => serve(JobService, service), {
    router: { interceptors: [validateRequests] },
  });
  return createNewJob({
    jobs: createGateway(transport).jobs,
    storage: () => storage,
    onCreated: (job) => page.created?.push(job.id),
  });
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
