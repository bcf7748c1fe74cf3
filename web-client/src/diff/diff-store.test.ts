import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { DiffSchema, type GetDiffRequest, JobService } from "#gen/job/v1/job_service_pb.js";
import { createGateway } from "../transport.ts";
import { createDiffStore } from "./diff-store.ts";

type Answer = (request: GetDiffRequest) => Promise<{ diff: ReturnType<typeof diffAt> }>;

const diffAt = (baseCommit: string) => create(DiffSchema, { baseCommit });

function open(getDiff: Answer) {
  const transport = createRouterTransport(({ service }) => void service(JobService, { getDiff }));
  return createDiffStore(createGateway(transport).jobs);
}

test("a diff is shown once it is read, and stays while it is read again", async () => {
  let reads = 0;
  const store = open(async () => ({ diff: diffAt(`commit ${++reads}`) }));
  const first = store.read("job_a");
  expect(store.shown.value).toEqual({ kind: "reading", jobId: "job_a" });
  await first;
  expect(store.shown.value).toMatchObject({ kind: "read", diff: { baseCommit: "commit 1" } });
  const second = store.read("job_a");
  expect(store.shown.value).toMatchObject({ kind: "read", diff: { baseCommit: "commit 1" } });
  await second;
  expect(store.shown.value).toMatchObject({ diff: { baseCommit: "commit 2" } });
});

test("what was asked for last is shown, whichever answer comes first", async () => {
  const slow = Promise.withResolvers<void>();
  const store = open(async ({ id }) => {
    if (id === "job_a") await slow.promise;
    return { diff: diffAt(id) };
  });
  const first = store.read("job_a");
  await store.read("job_b");
  slow.resolve();
  await first;
  expect(store.shown.value).toMatchObject({ jobId: "job_b", diff: { baseCommit: "job_b" } });
});

test("a refusal is a sentence", async () => {
  const store = open(async () => {
    throw new ConnectError("the workspace is gone", Code.FailedPrecondition);
  });
  await store.read("job_a");
  expect(store.shown.value).toEqual({ kind: "failed", jobId: "job_a", message: "The workspace is gone." });
});
