import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { type JobEventSchema, LogStream } from "#gen/job/v1/job_event_pb.js";
import { JobSchema, JobState } from "#gen/job/v1/job_pb.js";
import { JobService, WatchJobResponseSchema, WatchOutcome } from "#gen/job/v1/job_service_pb.js";
import { createHandClock } from "../connection/hand-clock.ts";
import type { Link } from "../connection/link.ts";
import { createGateway } from "../transport.ts";
import { JobFeed } from "./job-feed.ts";
import { watchJob } from "./watch-job.ts";

type EventInit = MessageInitShape<typeof JobEventSchema>;

const events: readonly EventInit[] = [
  { payload: { case: "stateChanged", value: { status: { state: JobState.RUNNING } } } },
  output(1, "one\n"),
  output(2, "two\n"),
  { payload: { case: "stateChanged", value: { status: { state: JobState.SUCCEEDED } } } },
];

test("a stream cut after each event is read on by cursor to the end, and the job is read anew each time", async () => {
  const cursors: number[] = [];
  const page = watch({
    getJob: () => ({
      job: create(JobSchema, { id: "job_1", newestSequence: cursors.length, revision: cursors.length + 1 }),
    }),
    async *watchJob({ afterSequence }) {
      cursors.push(afterSequence);
      yield verdict();
      yield batch(afterSequence + 1, events.slice(afterSequence, afterSequence + 1));
      if (afterSequence < events.length - 1) throw new ConnectError("cut", Code.Unavailable);
    },
  });
  for (let cuts = 1; cuts < events.length; cuts++) {
    await page.clock.until(() => page.links.find((link) => link.kind === "reconnecting" && link.attempt === cuts));
    page.clock.wake();
  }
  await page.done;
  expect(cursors).toEqual([0, 1, 2, 3]);
  expect(page.feed().log.rows.map((row) => row.text)).toEqual(["one", "two"]);
  expect(page.links.at(-1)?.kind).toBe("complete");
});

test("a missing event is fetched by opening the stream again", async () => {
  let opened = 0;
  const page = watch({
    getJob: () => ({ job: create(JobSchema, { id: "job_1" }) }),
    async *watchJob({ afterSequence }) {
      opened++;
      yield verdict();
      if (opened > 1) yield batch(afterSequence + 1, events.slice(afterSequence));
      else {
        yield batch(1, events.slice(0, 1));
        yield batch(3, events.slice(2));
      }
    },
  });
  await page.clock.until(() => page.links.find((link) => link.kind === "reconnecting"));
  page.clock.wake();
  await page.done;
  expect(page.feed().log.rows.map((row) => row.text)).toEqual(["one", "two"]);
});

test("a gateway that knows less than the page makes it read from the beginning", async () => {
  const cursors: number[] = [];
  const page = watch({
    getJob: () => ({ job: create(JobSchema, { id: "job_1" }) }),
    async *watchJob({ afterSequence }) {
      cursors.push(afterSequence);
      if (afterSequence > 0) throw new ConnectError("newer than the newest event", Code.OutOfRange);
      yield verdict();
      yield batch(1, cursors.length === 1 ? events.slice(0, 2) : events);
      if (cursors.length === 1) throw new ConnectError("cut", Code.Unavailable);
    },
  });
  for (const attempt of [1, 2]) {
    await page.clock.until(() => page.links.find((link) => link.kind === "reconnecting" && link.attempt === attempt));
    page.clock.wake();
  }
  await page.done;
  expect(cursors).toEqual([0, 2, 0]);
  expect(page.feed().log.rows.map((row) => row.text)).toEqual(["one", "two"]);
});

function watch(service: Partial<ServiceImpl<typeof JobService>>) {
  const clock = createHandClock();
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const transport = createRouterTransport(({ service: serve }) => serve(JobService, service));
  const links: Link[] = [];
  let feed = new JobFeed();
  const holder = {
    show: (next: JobFeed) => {
      feed = next;
    },
    report: (link: Link) => {
      links.push(link);
    },
  };
  const { jobs } = createGateway(transport);
  const done = watchJob({ jobs, id: "job_1", feed }, holder, { around: clock.around, signal: stop.signal });
  return { clock, links, done, feed: () => feed };
}

function verdict() {
  const value = { outcome: WatchOutcome.OK, newestSequence: events.length };
  return create(WatchJobResponseSchema, { message: { case: "verdict", value } });
}

function batch(firstSequence: number, list: readonly EventInit[]) {
  const value = { header: { firstSequence, count: list.length }, events: [...list] };
  return create(WatchJobResponseSchema, { message: { case: "batch", value } });
}

function output(firstLine: number, text: string): EventInit {
  return {
    payload: { case: "log", value: { stream: LogStream.STDOUT, firstLine, data: new TextEncoder().encode(text) } },
  };
}
