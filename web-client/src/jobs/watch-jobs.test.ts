import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { type Job, JobSchema, JobState } from "#gen/job/v1/job_pb.js";
import { JobService } from "#gen/job/v1/job_service_pb.js";
import { createHandClock } from "../connection/hand-clock.ts";
import { createGateway } from "../transport.ts";
import { emptyJobList, type JobList } from "./job-list.ts";
import { watchJobs } from "./watch-jobs.ts";

test("it lists once, then reads on from the list's revision over a break", async () => {
  const asked: number[] = [];
  const page = watch({
    listJobs: () => ({ jobs: [job("a", 1)], revision: 5 }),
    async *watchJobs({ afterRevision }) {
      asked.push(afterRevision);
      yield { message: { case: "heartbeat", value: {} }, revision: afterRevision };
      if (asked.length === 1) yield { message: { case: "job", value: job("b", 1) }, revision: 6 };
      else yield { message: { case: "job", value: job("a", 2, JobState.SUCCEEDED) }, revision: 7 };
      throw new ConnectError("gone", Code.Unavailable);
    },
  });
  await page.clock.untilWaiting(500);
  page.clock.wake();
  await page.clock.until(() => page.list().revision === 7 || undefined);
  expect(asked.slice(0, 2)).toEqual([5, 6]);
  expect(page.list().jobs.map(({ id, revision }) => [id, revision])).toEqual([
    ["b", 1],
    ["a", 2],
  ]);
});

test("a revision that the gateway no longer knows makes it list again", async () => {
  let lists = 0;
  const page = watch({
    listJobs: () => ({ jobs: [job(`list${++lists}`, 1)], revision: lists }),
    async *watchJobs({ afterRevision }) {
      if (afterRevision === 1) throw new ConnectError("too old", Code.OutOfRange);
      yield { message: { case: "deletedId", value: "nobody" }, revision: 3 };
      throw new ConnectError("gone", Code.Unavailable);
    },
  });
  await page.clock.untilWaiting(500);
  page.clock.wake();
  await page.clock.until(() => page.list().revision === 3 || undefined);
  expect(page.list().jobs.map(({ id }) => id)).toEqual(["list2"]);
});

function watch(service: Partial<ServiceImpl<typeof JobService>>) {
  const clock = createHandClock();
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const transport = createRouterTransport(({ service: serve }) => serve(JobService, service));
  let list: JobList = emptyJobList;
  const holder = {
    read: () => list,
    write: (next: JobList) => {
      list = next;
    },
    report: () => {},
  };
  void watchJobs(createGateway(transport).jobs, holder, { around: clock.around, signal: stop.signal });
  return { clock, list: () => list };
}

let created = 0n;

function job(id: string, revision: number, state = JobState.RUNNING): Job {
  return create(JobSchema, { id, revision, createTime: { seconds: ++created }, status: { state } });
}
