import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type AgentUsage, AgentUsageSchema } from "#gen/job/v1/job_event_pb.js";
import { type Job, JobSchema } from "#gen/job/v1/job_pb.js";
import { addRequest } from "./usage.ts";

test("requests add up, by model too, the dearest model first", () => {
  const requests = [
    request("small", { inputTokens: 1n, outputTokens: 2n, costMicros: 5n }),
    request("large", { inputTokens: 10n, cacheReadTokens: 3n, cacheWriteTokens: 4n, costMicros: 7n }),
    request("small", { inputTokens: 100n, costMicros: 1n, estimated: true }),
  ];
  const start: Pick<Job, "usage" | "usageByModel"> = create(JobSchema);
  const { usage, usageByModel } = requests.reduce(addRequest, start);
  expect(usage).toMatchObject({
    ...{ inputTokens: 111n, outputTokens: 2n, cacheReadTokens: 3n, cacheWriteTokens: 4n },
    ...{ costMicros: 13n, requests: 3, estimated: true },
  });
  expect(usageByModel).toMatchObject([
    { model: "large", usage: { inputTokens: 10n, costMicros: 7n, requests: 1, estimated: false } },
    { model: "small", usage: { inputTokens: 101n, costMicros: 6n, requests: 2, estimated: true } },
  ]);
});

function request(model: string, usage: Partial<Omit<NonNullable<AgentUsage["usage"]>, "$typeName">>): AgentUsage {
  return create(AgentUsageSchema, { model, usage: { requests: 1, ...usage } });
}
