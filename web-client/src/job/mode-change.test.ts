import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { type Job, JobSchema, PermissionMode } from "#gen/job/v1/job_pb.js";
import { JobService } from "#gen/job/v1/job_service_pb.js";
import { createGateway } from "../transport.ts";
import { createModeChange } from "./mode-change.ts";

const job = create(JobSchema, { id: "job_0000000000000001", permissionMode: PermissionMode.ASK });

test("a tighter mode is set at once", async () => {
  const page = open();
  page.change.choose(job, PermissionMode.PLAN);
  await expect.poll(() => page.learned).toEqual([PermissionMode.PLAN]);
  expect(page.change.wanted.value).toBeUndefined();
});

test("a looser mode is set only once it is confirmed", async () => {
  const page = open();
  page.change.choose(job, PermissionMode.BYPASS);
  expect(page.change.wanted.value).toMatchObject({ mode: PermissionMode.BYPASS, needsConfirm: true });
  page.change.keep();
  page.change.confirm();
  expect([page.change.wanted.value, page.asked]).toEqual([undefined, []]);
  page.change.choose(job, PermissionMode.ACCEPT_EDITS);
  page.change.confirm();
  await expect.poll(() => page.learned).toEqual([PermissionMode.ACCEPT_EDITS]);
});

test("a mode that is not set counts as ask", () => {
  const page = open();
  page.change.choose(create(JobSchema, { id: job.id }), PermissionMode.ACCEPT_EDITS);
  expect(page.change.wanted.value?.needsConfirm).toBe(true);
});

test("a refusal is told", async () => {
  const page = open({ isRefused: true });
  page.change.choose(job, PermissionMode.PLAN);
  await expect.poll(() => page.change.failure.value).toBe("The permissions stay as they are. The job is final.");
});

function open({ isRefused = false } = {}) {
  const asked: PermissionMode[] = [];
  const learned: PermissionMode[] = [];
  const transport = createRouterTransport(({ service }) =>
    service(JobService, {
      setPermissionMode: ({ id, mode }) => {
        asked.push(mode);
        if (isRefused) throw new ConnectError("the job is final", Code.FailedPrecondition);
        return { job: { id, permissionMode: mode } };
      },
    }),
  );
  const learn = (read: Job) => void learned.push(read.permissionMode);
  return { change: createModeChange(createGateway(transport).jobs, learn), asked, learned };
}
