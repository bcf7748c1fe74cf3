import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type Job, JobSchema, JobState } from "#gen/job/v1/job_pb.js";
import { ListJobsResponseSchema, type WatchJobsResponse, WatchJobsResponseSchema } from "#gen/job/v1/job_service_pb.js";
import { changed, countWaiting, listed, withKnownJob } from "./job-list.ts";

const list = listed(create(ListJobsResponseSchema, { jobs: [job("b", 2), job("a", 1)], revision: 4 }));

test("a new job stands first, a changed one stays in its place", () => {
  const next = changed(changed(list, change(job("c", 3), 5)), change(job("a", 1, { revision: 2 }), 6));
  expect(next.jobs.map(({ id, revision }) => [id, revision])).toEqual([
    ["c", 1],
    ["b", 1],
    ["a", 2],
  ]);
  expect(next.revision).toBe(6);
});

test("an older reading of a job changes nothing", () => {
  const newer = changed(list, change(job("a", 1, { revision: 7, state: JobState.SUCCEEDED }), 5));
  expect(withKnownJob(newer, job("a", 1, { revision: 3 })).jobs).toEqual(newer.jobs);
});

test("of two readings of one revision the one with more output counts", () => {
  const next = changed(list, change(job("a", 1, { newestSequence: 9 }), 5));
  expect(next.jobs.at(-1)?.newestSequence).toBe(9);
});

test("a deleted job leaves the list", () => {
  const gone = create(WatchJobsResponseSchema, { message: { case: "deletedId", value: "b" }, revision: 5 });
  expect(changed(list, gone).jobs.map(({ id }) => id)).toEqual(["a"]);
});

test("old jobs go when there are many, but none that still runs", () => {
  let held = listed(create(ListJobsResponseSchema, { jobs: [job("still", 0)], revision: 1 }));
  for (let at = 1; at <= 300; at++) {
    held = changed(held, change(job(`done${at}`, at, { state: JobState.SUCCEEDED }), at + 1));
  }
  expect(held.jobs).toHaveLength(201);
  expect(held.jobs.at(-1)?.id).toBe("still");
});

test("it counts what waits in the queue and what waits for a person", () => {
  const states = [JobState.PENDING, JobState.PENDING, JobState.WAITING];
  const jobs = states.map((state, at) => job(`j${at}`, at, { state, openAsks: at }));
  expect(countWaiting(jobs)).toEqual({ queued: 2, needsYou: 3 });
});

interface Changes {
  readonly revision?: number;
  readonly newestSequence?: number;
  readonly state?: JobState;
  readonly openAsks?: number;
}

function job(id: string, createdS: number, changes: Changes = {}): Job {
  const { revision = 1, newestSequence = 0, state = JobState.RUNNING, openAsks = 0 } = changes;
  return create(JobSchema, {
    id,
    revision,
    newestSequence,
    openAsks,
    createTime: { seconds: BigInt(createdS) },
    status: { state },
  });
}

function change(value: Job, revision: number): WatchJobsResponse {
  return create(WatchJobsResponseSchema, { message: { case: "job", value }, revision });
}
