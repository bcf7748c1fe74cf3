import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { JobSchema } from "#gen/job/v1/job_pb.js";
import { spendOf } from "./spend.ts";

test("tokens and cost are told, an estimate as one", () => {
  const usage = {
    inputTokens: 1_200n,
    outputTokens: 30n,
    cacheReadTokens: 500n,
    costMicros: 310_000n,
    estimated: true,
  };
  const job = create(JobSchema, { usage, usageByModel: [{ model: "opus" }] });
  expect(spendOf(job)).toEqual({ text: "opus · 1.2k in · 30 out · 500 cache · $0.31 est.", budget: undefined });
});

test.each([
  [790_000n, "run"],
  [800_000n, "warn"],
  [1_000_000n, "bad"],
  [1_100_000n, "bad"],
])("of a budget of a dollar %i micros are %s", (costMicros, tone) => {
  const job = create(JobSchema, { usage: { costMicros }, budgetMicros: 1_000_000n });
  expect(spendOf(job).budget).toMatchObject({ tone });
  expect(spendOf(job).budget?.percent).toBeLessThanOrEqual(100);
});
