import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { signal } from "@preact/signals";
import { expect, test } from "vitest";
import { type Runner, RunnerSchema, RunnerState } from "#gen/fleet/v1/runner_pb.js";
import { type Ask, AskSchema } from "#gen/job/v1/ask_pb.js";
import { type Job, JobSchema, JobState } from "#gen/job/v1/job_pb.js";
import { emptyJobList } from "../jobs/job-list.ts";
import { watchForNotices } from "./notices.ts";
import { isQuiet } from "./quiet-hours.ts";

test("an end is told when it was a failure or took long, and only if the page saw it happen", () => {
  const page = watch();
  page.hold([job("old", JobState.FAILED, 1), job("quick", JobState.RUNNING), job("long", JobState.RUNNING)]);
  page.hold([job("quick", JobState.SUCCEEDED, 29), job("long", JobState.SUCCEEDED, 31)]);
  page.hold([job("bad", JobState.RUNNING), job("stopped", JobState.RUNNING)]);
  page.hold([job("bad", JobState.FAILED, 1), job("stopped", JobState.CANCELED, 99)]);
  expect(page.told).toEqual(["ends ✓ long succeeded", "failures ✗ bad failed"]);
});

test("an ask is told once, and not when it was there already", () => {
  const page = watch();
  page.hold([{ ...job("a", JobState.WAITING), openAsks: 1 }]);
  page.asks.value = [ask("1", "a")];
  page.asks.value = [ask("1", "a"), ask("2", "a")];
  page.asks.value = [ask("2", "a")];
  expect(page.told).toEqual(["asks ⚑ a: Plan to approve"]);
});

test("the first ask of a page that began calm is news", () => {
  const page = watch();
  page.hold([job("a", JobState.RUNNING)]);
  page.asks.value = [ask("1", "a")];
  expect(page.told).toHaveLength(1);
});

test("a runner is told of when it goes and when it comes back", () => {
  const page = watch();
  page.runners.value = [runner(RunnerState.ONLINE)];
  page.runners.value = [runner(RunnerState.OFFLINE)];
  page.runners.value = [runner(RunnerState.OFFLINE)];
  page.runners.value = [runner(RunnerState.DRAINING)];
  expect(page.told).toEqual(["runners ○ vm-1 is offline", "runners ● vm-1 is back"]);
});

test.each([
  ["22:00", "07:00", 23, true],
  ["22:00", "07:00", 6, true],
  ["22:00", "07:00", 7, false],
  ["12:00", "13:00", 12, true],
  ["12:00", "13:00", 13, false],
  ["", "07:00", 3, false],
])("from %s until %s, at %i o'clock", (from, until, hour, quiet) => {
  expect(isQuiet(new Date(2026, 0, 2, hour), { from, until })).toBe(quiet);
});

function watch() {
  const list = signal(emptyJobList);
  const asks = signal<readonly Ask[]>([]);
  const runners = signal<readonly Runner[] | undefined>(undefined);
  const told: string[] = [];
  watchForNotices({ list, openAsks: asks, runners }, ({ kind, title }) => told.push(`${kind} ${title}`));
  const hold = (jobs: readonly Job[]) => {
    list.value = { loaded: true, revision: list.value.revision + 1, jobs };
  };
  return { asks, runners, told, hold };
}

function job(id: string, state: JobState, tookS = 0): Job {
  const times = { startTime: timestampFromMs(1_000), endTime: timestampFromMs(1_000 + tookS * 1_000) };
  return create(JobSchema, { id, spec: { name: id }, status: { state }, ...(tookS > 0 ? times : {}) });
}

function ask(id: string, jobId: string): Ask {
  return create(AskSchema, { id, jobId, question: { case: "plan", value: {} } });
}

function runner(state: RunnerState): Runner {
  return create(RunnerSchema, { name: "vm-1", state });
}
