import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { type AllowHostRequest, JobService } from "#gen/job/v1/job_service_pb.js";
import { createGateway } from "../transport.ts";
import { createAllowing } from "./allowing.ts";

const jobId = "job_0000000000000001";

function open(answer: () => Promise<object>) {
  const asked: AllowHostRequest[] = [];
  const transport = createRouterTransport(({ service }) =>
    service(JobService, {
      async allowHost(request) {
        asked.push(request);
        return await answer();
      },
    }),
  );
  return { asked, allowing: createAllowing(createGateway(transport).jobs) };
}

test("a place is asked for once and marked while it is on its way", async () => {
  const answered = Promise.withResolvers<object>();
  const { asked, allowing } = open(() => answered.promise);
  allowing.allow(jobId, "example.com:80");
  expect([...allowing.asked.value]).toEqual([`${jobId} example.com:80`]);
  answered.resolve({});
  await expect.poll(() => allowing.asked.value.size).toBe(0);
  expect(asked).toMatchObject([{ id: jobId, host: "example.com:80" }]);
  expect(allowing.failures.value.get(jobId)).toBe("");
});

test("a refusal is told at its job, until the next try", async () => {
  let isRefused = true;
  const { allowing } = open(async () => {
    if (isRefused) throw new ConnectError("the operator lets nobody allow more hosts", Code.FailedPrecondition);
    return {};
  });
  allowing.allow(jobId, "example.com");
  await expect
    .poll(() => allowing.failures.value.get(jobId))
    .toBe("example.com is not allowed. The operator lets nobody allow more hosts.");
  isRefused = false;
  allowing.allow(jobId, "example.com");
  await expect.poll(() => allowing.failures.value.get(jobId)).toBe("");
});
