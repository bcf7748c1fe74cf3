import { expect, test } from "vitest";
import { JobState } from "#gen/job/v1/job_pb.js";
import { isEmptyFilter, jobListPath, noFilter, parseJobFilter, requestFor } from "./job-filter.ts";

const page = { pageSize: 50, pageToken: "" };

test("an address says what to list, and the filter gives the same address", () => {
  const path = "/jobs?status=failed%2Ctimed_out&type=claude&runner=vm-1&label=team%3Dcore&q=a+b&before=2026-01-02";
  const filter = parseJobFilter(new URLSearchParams(path.slice("/jobs?".length)));
  expect(jobListPath(filter)).toBe(path);
  const request = requestFor(filter, page);
  expect(request.states).toEqual([JobState.FAILED, JobState.TIMED_OUT]);
  expect(request).toMatchObject({ type: "claude", runner: "vm-1", labels: ["team=core"], query: "a b" });
  expect(request.createdBefore?.seconds).toBe(BigInt(Date.UTC(2026, 0, 2) / 1_000));
});

test("what an address says wrong filters nothing", () => {
  const request = requestFor(parseJobFilter(new URLSearchParams("status=lost&before=soon&demo=happy")), page);
  expect(request.states).toEqual([]);
  expect(request.createdBefore).toBeUndefined();
});

test("without a filter the address is short", () => {
  expect(jobListPath(noFilter)).toBe("/jobs");
  expect(isEmptyFilter(noFilter)).toBe(true);
  expect(isEmptyFilter({ ...noFilter, q: "x" })).toBe(false);
});
