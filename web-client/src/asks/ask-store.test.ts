import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { signal } from "@preact/signals";
import { expect, test } from "vitest";
import { type Ask, AskSchema, AskState } from "#gen/job/v1/ask_pb.js";
import { JobSchema } from "#gen/job/v1/job_pb.js";
import { JobService, type ListAsksRequest } from "#gen/job/v1/job_service_pb.js";
import { validateRequests } from "#protocol/validation.ts";
import { createHandClock } from "../connection/hand-clock.ts";
import { emptyJobList, type JobList } from "../jobs/job-list.ts";
import { createGateway } from "../transport.ts";
import { announceAsks, createAskStore } from "./ask-store.ts";

test("open asks are read when a job that has some changes, and never else", async () => {
  const page = open({ listAsks: () => ({ asks: [ask(1)] }) });
  expect(page.calls).toEqual([]);
  page.jobList.value = jobs({ openAsks: 0, revision: 4 });
  page.jobList.value = jobs({ openAsks: 1, revision: 5 });
  await page.clock.until(() => page.store.open.value[0]);
  page.jobList.value = { ...page.jobList.value };
  await page.clock.untilWaiting(1_000);
  page.clock.advance(1_000);
  expect(page.calls).toHaveLength(1);
});

test("changes in quick succession are read once", async () => {
  const page = open({ listAsks: () => ({ asks: [ask(1)] }) });
  for (let revision = 1; revision <= 20; revision++) page.jobList.value = jobs({ openAsks: 1, revision });
  await page.clock.untilWaiting(1_000);
  page.clock.advance(1_000);
  await page.clock.untilWaiting(1_000);
  page.clock.advance(1_000);
  expect(page.calls).toHaveLength(2);
});

test("an ask that no longer waits is asked of its job, which tells who decided", async () => {
  const decided = ask(1, { state: AskState.DECIDED, by: "ana" });
  let isDecided = false;
  const page = open({
    listAsks: ({ jobId }) => ({ asks: !isDecided ? [ask(1)] : jobId ? [decided] : [] }),
  });
  page.jobList.value = jobs({ openAsks: 1, revision: 1 });
  await page.clock.untilWaiting(1_000);
  isDecided = true;
  page.jobList.value = jobs({ openAsks: 0, revision: 2 });
  page.clock.advance(1_000);
  await page.clock.until(() => (page.store.open.value.length === 0 ? true : undefined));
  expect(page.store.list.value.get(askId(1))?.decision?.actor?.id).toBe("ana");
});

test("the asks of a job that was deleted are forgotten", async () => {
  let isDeleted = false;
  const page = open({
    listAsks: ({ jobId }) => {
      if (jobId) throw new ConnectError("no such job", Code.NotFound);
      return { asks: isDeleted ? [] : [ask(1)] };
    },
  });
  page.jobList.value = jobs({ openAsks: 1, revision: 1 });
  await page.clock.untilWaiting(1_000);
  isDeleted = true;
  page.jobList.value = { ...emptyJobList, loaded: true };
  page.clock.advance(1_000);
  await page.clock.until(() => (page.store.list.value.size === 0 ? true : undefined));
});

test("a list of many pages is read whole", async () => {
  const page = open({
    listAsks: ({ pageToken }) =>
      pageToken === "" ? { asks: [ask(1)], nextPageToken: "more" } : { asks: [ask(2)], nextPageToken: "" },
  });
  page.jobList.value = jobs({ openAsks: 2, revision: 1 });
  await page.clock.until(() => page.store.open.value[1]);
  expect(page.store.open.value.map(({ id }) => id)).toEqual([askId(1), askId(2)]);
});

test("a failure is told, and reading is tried again by itself", async () => {
  let isDown = true;
  const page = open({
    listAsks: () => {
      if (isDown) throw new ConnectError("no runner", Code.Unavailable);
      return { asks: [ask(1)] };
    },
  });
  page.jobList.value = jobs({ openAsks: 1, revision: 1 });
  await page.clock.untilWaiting(5_000);
  expect(page.store.failure.value).toBe("No runner.");
  isDown = false;
  page.clock.advance(5_000);
  await page.clock.until(() => page.store.open.value[0]);
  expect(page.store.failure.value).toBe("");
});

test("without the right to read them nothing is tried until the page wakes", async () => {
  let isSignedOut = true;
  const page = open({
    listAsks: () => {
      if (isSignedOut) throw new ConnectError("who are you", Code.Unauthenticated);
      return { asks: [ask(1)] };
    },
  });
  page.jobList.value = jobs({ openAsks: 1, revision: 1 });
  await page.clock.until(() => page.store.failure.value || undefined);
  expect(page.clock.waiting()).toEqual([]);
  isSignedOut = false;
  page.clock.wake();
  await page.clock.until(() => page.store.open.value[0]);
});

test("a closed ask does not open again when an older reading of it comes", async () => {
  const page = open({});
  page.store.learn([ask(1, { state: AskState.EXPIRED })]);
  page.store.learn([ask(1)]);
  expect(page.store.open.value).toEqual([]);
});

test("each ask is announced once, several at once by their number", () => {
  const page = open({});
  const said: string[] = [];
  announceAsks(page.store, (text) => said.push(text));
  page.store.learn([ask(1)]);
  page.store.learn([ask(1), ask(2), ask(3)]);
  page.store.learn([ask(2, { state: AskState.WITHDRAWN })]);
  expect(said).toEqual(["Permission: Bash waits for you.", "2 asks wait for you."]);
});

function open(service: Partial<ServiceImpl<typeof JobService>>) {
  const calls: ListAsksRequest[] = [];
  const { listAsks } = service;
  const transport = createRouterTransport(
    ({ service: serve }) =>
      serve(JobService, {
        ...(listAsks && {
          listAsks: (request, context) => {
            calls.push(request);
            return listAsks(request, context);
          },
        }),
      }),
    { router: { interceptors: [validateRequests] } },
  );
  const clock = createHandClock();
  const jobList = signal<JobList>(emptyJobList);
  const store = createAskStore({ jobs: createGateway(transport).jobs, jobList, around: clock.around });
  return { store, jobList, clock, calls };
}

const jobId = "job_0000000000000001";

function jobs({ openAsks, revision }: { openAsks: number; revision: number }): JobList {
  return { ...emptyJobList, loaded: true, jobs: [create(JobSchema, { id: jobId, openAsks, revision })] };
}

function askId(number: number): string {
  return `ask_${String(number).padStart(16, "0")}`;
}

function ask(number: number, { state = AskState.OPEN, by = "" } = {}): Ask {
  return create(AskSchema, {
    id: askId(number),
    jobId,
    state,
    createTime: { seconds: BigInt(number) },
    question: { case: "permission", value: { tool: "Bash", inputJson: "{}" } },
    ...(by && { decision: { actor: { id: by }, verdict: { case: "allow", value: {} } } }),
  });
}
