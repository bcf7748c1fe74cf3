import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { signal } from "@preact/signals";
import { expect, test } from "vitest";
import { type Runner, RunnerSchema, RunnerState } from "#gen/fleet/v1/runner_pb.js";
import { type Job, JobSchema, JobState } from "#gen/job/v1/job_pb.js";
import { createAttention } from "./attention.ts";
import { createMemoryStorage } from "./ui/storage.ts";

const firstVisit = 1_000;

test("a failure since the first visit counts until its job is opened, also after a reload", () => {
  const page = open([job("old", JobState.FAILED, 999), job("new", JobState.FAILED, 2_000)]);
  expect(ids(page.attention.failed.value)).toEqual(["new"]);
  page.selectedId.value = "new";
  expect(page.attention.failed.value).toEqual([]);
  const reloaded = open([job("new", JobState.FAILED, 2_000), job("newer", JobState.TIMED_OUT, 3_000)], page);
  expect(ids(reloaded.attention.failed.value)).toEqual(["newer"]);
});

test("a runner that does not answer counts while a job waits", () => {
  const page = open([]);
  page.runners.value = [runner("vm-1", RunnerState.ONLINE), runner("vm-2", RunnerState.OFFLINE)];
  expect(page.attention.offline.value).toEqual([]);
  page.list.value = { ...page.list.value, jobs: [job("a", JobState.PENDING, 0)] };
  expect(page.attention.offline.value.map(({ name }) => name)).toEqual(["vm-2"]);
});

function open(jobs: readonly Job[], { storage } = { storage: createMemoryStorage() }) {
  const list = signal({ loaded: true, revision: 1, jobs });
  const runners = signal<readonly Runner[] | undefined>([]);
  const selectedId = signal<string | undefined>(undefined);
  const ports = { list, runners, selectedId, storage: () => storage, now: () => firstVisit };
  return { list, runners, selectedId, storage, attention: createAttention(ports) };
}

function ids(jobs: readonly Job[]): readonly string[] {
  return jobs.map(({ id }) => id);
}

function job(id: string, state: JobState, endedMs: number): Job {
  return create(JobSchema, { id, status: { state }, endTime: timestampFromMs(endedMs) });
}

function runner(name: string, state: RunnerState): Runner {
  return create(RunnerSchema, { name, state });
}
