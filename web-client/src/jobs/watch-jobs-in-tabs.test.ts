import { create } from "@bufbuild/protobuf";
import { createRouterTransport } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { type Job, JobSchema } from "#gen/job/v1/job_pb.js";
import { JobService } from "#gen/job/v1/job_service_pb.js";
import { createHandClock } from "../connection/hand-clock.ts";
import type { TabLine } from "../connection/tab-line.ts";
import { createGateway } from "../transport.ts";
import { emptyJobList, type JobList } from "./job-list.ts";
import { watchJobsInTabs } from "./watch-jobs-in-tabs.ts";

test("the second tab reads no stream, and hears of what the first one reads", async () => {
  const browser = createBrowser();
  const first = browser.openTab();
  await first.shows(["a"]);
  const second = browser.openTab();
  await second.shows(["a"]);
  browser.change(job("b", 2));
  await first.shows(["a", "b"]);
  await second.shows(["a", "b"]);
  expect(browser.streams()).toBe(1);
});

test("when the first tab goes, the second reads on from where its own list stands", async () => {
  const browser = createBrowser();
  const first = browser.openTab();
  await first.shows(["a"]);
  const second = browser.openTab();
  await second.shows(["a"]);
  first.close();
  browser.change(job("b", 2));
  await second.shows(["a", "b"]);
});

test("a tab that hears nothing reads for itself", async () => {
  const browser = createBrowser();
  const first = browser.openTab();
  await first.shows(["a"]);
  first.silence();
  const second = browser.openTab();
  await second.shows(["a"]);
  browser.change(job("b", 2));
  await second.clock.untilWaiting(25_000);
  second.clock.advance(25_000);
  await second.shows(["a", "b"]);
  expect(browser.streams()).toBe(2);
});

/** Tabs on one gateway. The line between them is what locks and a channel make of it in a browser. */
function createBrowser() {
  const jobs = new Map([["a", job("a", 1)]]);
  let revision = 1;
  let streams = 0;
  const waiting = new Set<() => void>();
  const transport = createRouterTransport(({ service }) =>
    service(JobService, {
      listJobs: () => ({ jobs: [...jobs.values()], revision }),
      async *watchJobs({ afterRevision }, { signal }) {
        streams++;
        let seen = afterRevision;
        yield { message: { case: "heartbeat", value: {} }, revision: seen };
        while (!signal.aborted) {
          for (const each of jobs.values()) {
            if (each.revision > seen) yield { message: { case: "job", value: each }, revision: each.revision };
          }
          seen = revision;
          await new Promise<void>((resolve) => {
            waiting.add(resolve);
            signal.addEventListener("abort", () => resolve());
          });
        }
      },
    }),
  );
  const line = createLines();
  return {
    streams: () => streams,
    change: (changed: Job) => {
      jobs.set(changed.id, changed);
      revision = changed.revision;
      for (const wake of waiting) wake();
    },
    openTab: () => openTab(createGateway(transport), line),
  };
}

function openTab(gateway: ReturnType<typeof createGateway>, join: ReturnType<typeof createLines>) {
  const clock = createHandClock();
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  let list: JobList = emptyJobList;
  let mayShare = true;
  const holder = {
    read: () => list,
    write: (next: JobList) => {
      list = next;
    },
    report: () => {},
  };
  const { line, leave } = join();
  const watch = { around: clock.around, line, mayShare: () => mayShare, signal: stop.signal };
  void watchJobsInTabs(gateway.jobs, holder, watch);
  return {
    clock,
    close: () => {
      stop.abort();
      leave();
    },
    silence: () => {
      mayShare = false;
    },
    shows: (ids: readonly string[]) =>
      clock.until(
        () =>
          list.jobs
            .map(({ id }) => id)
            .toSorted()
            .join() === ids.join() || undefined,
      ),
  };
}

function createLines() {
  const queue: { readonly lead: () => void }[] = [];
  const listeners = new Set<(bytes: Uint8Array<ArrayBuffer>) => void>();
  return () => {
    const { promise: becomesFirst, resolve: lead } = Promise.withResolvers<void>();
    const place = { lead };
    queue.push(place);
    if (queue[0] === place) lead();
    const line: TabLine = {
      isFirst: Promise.resolve(queue[0] === place),
      becomesFirst,
      post: (bytes) => {
        for (const listener of listeners) listener(bytes);
      },
      async *listen(signal) {
        const held: Uint8Array<ArrayBuffer>[] = [];
        const listener = (bytes: Uint8Array<ArrayBuffer>) => held.push(bytes);
        listeners.add(listener);
        while (!signal.aborted) {
          const next = held.shift();
          if (next) yield next;
          else await new Promise((resolve) => setTimeout(resolve));
        }
        listeners.delete(listener);
      },
    };
    const leave = () => {
      queue.splice(queue.indexOf(place), 1);
      queue[0]?.lead();
    };
    return { line, leave };
  };
}

function job(id: string, revision: number): Job {
  return create(JobSchema, { id, revision, createTime: { seconds: BigInt(revision) } });
}
