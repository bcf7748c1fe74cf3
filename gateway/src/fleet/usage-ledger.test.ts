import { DatabaseSync } from "node:sqlite";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { UsageGrouping } from "#gen/fleet/v1/fleet_service_pb.js";
import { type Job, JobSchema } from "#gen/job/v1/job_pb.js";
import { UsageLedger } from "./usage-ledger.ts";
import { usageRange } from "./usage-range.ts";

const friday = Date.parse("2026-01-02T23:59:59.999Z");
const saturday = friday + 1;
const always = { since: "2026-01-01", until: "2026-12-31" };

test("what a job took is entered once, under the day on which it was reported", () => {
  const ledger = openLedger();
  const early = job("a", { opus: 10n });
  const late = job("a", { opus: 25n, haiku: 1n });
  for (const report of [early, early]) ledger.enter(report, friday);
  for (const report of [late, early, late]) ledger.enter(report, saturday);
  expect(ledger.rows(always, UsageGrouping.DAY)).toMatchObject([
    { key: "2026-01-02", jobs: 1, usage: { costMicros: 10n, requests: 1 } },
    { key: "2026-01-03", jobs: 1, usage: { costMicros: 16n, requests: 1 } },
  ]);
  expect(ledger.total({ since: "2026-01-03", until: "2026-01-03" })).toMatchObject({ costMicros: 16n });
});

test("repositories, models and jobs come with the dearest first", () => {
  const ledger = openLedger();
  ledger.enter(job("a", { opus: 10n, haiku: 3n }), friday);
  ledger.enter(job("b", { opus: 20n, haiku: 4n }), saturday);
  const shown = (grouping: UsageGrouping) =>
    ledger.rows(always, grouping).map(({ key, jobs, usage }) => `${key} ${jobs} ${usage?.costMicros}`);
  expect(shown(UsageGrouping.REPOSITORY)).toEqual(["acme/b 1 24", "acme/a 1 13"]);
  expect(shown(UsageGrouping.MODEL)).toEqual(["opus 2 30", "haiku 2 7"]);
  expect(shown(UsageGrouping.JOB)).toEqual(["b 1 24", "a 1 13"]);
  expect(ledger.total(always)).toMatchObject({ costMicros: 37n, inputTokens: 74n, estimated: false });
});

test("an estimate stays one in every sum", () => {
  const ledger = openLedger();
  ledger.enter(job("a", { opus: 10n }), friday);
  ledger.enter(job("b", { unknown: 10n }, true), friday);
  expect(ledger.rows(always, UsageGrouping.JOB).map(({ usage }) => usage?.estimated)).toEqual([false, true]);
  expect(ledger.total(always).estimated).toBe(true);
});

describe("the days asked for", () => {
  const time = (text: string) => timestampFromMs(Date.parse(text));

  test("are the last 30 and today unless they are named", () => {
    expect(usageRange({}, friday)).toEqual({ since: "2025-12-03", until: "2026-01-02" });
    expect(usageRange({ since: time("2025-12-31T23:00:00Z"), until: time("2026-01-01T01:00:00Z") }, friday)).toEqual({
      since: "2025-12-31",
      until: "2026-01-01",
    });
  });

  test.each([
    ["2026-01-03T00:00:00Z", undefined],
    ["2024-11-27T00:00:00Z", undefined],
    ["2025-01-02T00:00:00Z", "2025-01-01T23:00:00Z"],
  ])("are refused from %s to %s", (since, until) => {
    const range = { since: time(since), ...(until === undefined ? {} : { until: time(until) }) };
    expect(() => usageRange(range, friday)).toThrow("until");
  });
});

function openLedger(): UsageLedger {
  const database = new DatabaseSync(":memory:");
  return new UsageLedger({
    exec<Row>(query: string, ...values: (string | number)[]) {
      const rows = database.prepare(query).all(...values) as Row[];
      return { toArray: () => rows };
    },
  });
}

function job(id: string, costs: Readonly<Record<string, bigint>>, estimated = false): Job {
  return create(JobSchema, {
    id,
    spec: { repoRef: `acme/${id}` },
    usageByModel: Object.entries(costs).map(([model, costMicros]) => ({
      model,
      usage: { costMicros, inputTokens: 2n * costMicros, requests: 1, estimated },
    })),
  });
}
