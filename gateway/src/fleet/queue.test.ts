import { expect, test } from "vitest";
import { PendingReason } from "#gen/job/v1/job_pb.js";
import { assignJobs, type QueuedJob, type SlotOffer, waitReason } from "./queue.ts";

function job(id: string, needs: Partial<QueuedJob> = {}): QueuedJob {
  return { id, executor: "task", labels: [], boundTo: "", ...needs };
}

function runner(name: string, has: Partial<SlotOffer> = {}): SlotOffer {
  const plain = { state: "online", freeSlots: 1, labels: [], executors: ["task"] } as const;
  return { name, ...plain, isBudgetSpent: false, isDiskLow: false, ...has };
}

test("jobs go to free slots in the order of the queue", () => {
  const assigned = assignJobs([job("a"), job("b"), job("c")], [runner("vm", { freeSlots: 2 })]);
  expect(assigned).toEqual([
    { jobId: "a", runner: "vm" },
    { jobId: "b", runner: "vm" },
  ]);
});

test("the emptiest runner is served first", () => {
  const assigned = assignJobs([job("a"), job("b"), job("c")], [runner("small"), runner("large", { freeSlots: 3 })]);
  expect(assigned.map((assignment) => assignment.runner)).toEqual(["large", "large", "small"]);
});

test("a job that nobody can take does not hold up those behind it", () => {
  const assigned = assignJobs([job("gpu", { labels: ["gpu"] }), job("plain")], [runner("vm")]);
  expect(assigned).toEqual([{ jobId: "plain", runner: "vm" }]);
});

test("labels match by key, or by key and value", () => {
  const has = runner("vm", { freeSlots: 9, labels: ["gpu=a100", "fast"] });
  const wanted = [["gpu"], ["gpu=a100"], ["fast", "gpu"], ["gpu=h100"], ["gp"], ["fast=yes"]];
  const assigned = wanted.map((labels) => assignJobs([job("a", { labels })], [has]).length === 1);
  expect(assigned).toEqual([true, true, true, false, false, false]);
});

test.each<[string, SlotOffer[], PendingReason]>([
  ["nobody answers", [runner("vm", { state: "offline" })], PendingReason.NO_RUNNER_ONLINE],
  ["there is no runner", [], PendingReason.NO_RUNNER_ONLINE],
  ["no runner has the executor", [runner("vm", { executors: [] })], PendingReason.NO_MATCHING_RUNNER],
  [
    "the one that suits is offline",
    [runner("vm", { executors: [] }), runner("gone", { state: "offline" })],
    PendingReason.NO_RUNNER_ONLINE,
  ],
  ["all that suit drain", [runner("vm", { state: "draining" })], PendingReason.RUNNER_DRAINING],
  ["the disks of all that suit are nearly full", [runner("vm", { isDiskLow: true })], PendingReason.DISK_LOW],
  ["all slots are taken", [runner("vm", { freeSlots: 0 })], PendingReason.ALL_SLOTS_BUSY],
])("a job waits because %s", (_, runners, reason) => {
  expect(
    assignJobs(
      [job("a")],
      runners.map((one) => ({ ...one, freeSlots: 0 })),
    ),
  ).toEqual([]);
  expect(waitReason(job("a"), runners)).toBe(reason);
});

test("nobody begins where the disk is nearly full", () => {
  const runners = [runner("full", { isDiskLow: true, freeSlots: 9 }), runner("vm")];
  expect(assignJobs([job("a"), job("b")], runners)).toEqual([{ jobId: "a", runner: "vm" }]);
});

test("a job that a runner may be running already goes to that one alone", () => {
  const runners = [runner("one"), runner("other", { freeSlots: 9 })];
  expect(assignJobs([job("a", { boundTo: "one" }), job("b")], runners)).toEqual([
    { jobId: "a", runner: "one" },
    { jobId: "b", runner: "other" },
  ]);
});

test.each<[string, SlotOffer[], PendingReason]>([
  ["is offline", [runner("one", { state: "offline" }), runner("other")], PendingReason.RUNNER_OFFLINE],
  ["is no longer there", [runner("other")], PendingReason.RUNNER_OFFLINE],
  ["drains", [runner("one", { state: "draining" }), runner("other")], PendingReason.RUNNER_DRAINING],
  ["has no free slot", [runner("one", { freeSlots: 0 }), runner("other")], PendingReason.ALL_SLOTS_BUSY],
])("a job waits for the one runner that may have it when that %s", (_, runners, reason) => {
  const bound = job("a", { boundTo: "one" });
  expect(assignJobs([bound], runners)).toEqual([]);
  expect(waitReason(bound, runners)).toBe(reason);
});

test("a draining or offline runner gets nothing, whatever slots it has", () => {
  expect(assignJobs([job("a")], [runner("x", { state: "draining" }), runner("y", { state: "offline" })])).toEqual([]);
});

test("an agent waits while the day's budget of every suiting runner is spent, a task does not", () => {
  const agent = job("a", { executor: "claude" });
  const spent = runner("vm", { executors: ["task", "claude"], isBudgetSpent: true });
  const other = runner("other", { executors: ["task", "claude"] });
  expect(assignJobs([agent, job("b")], [spent])).toEqual([{ jobId: "b", runner: "vm" }]);
  expect(waitReason(agent, [spent])).toBe(PendingReason.BUDGET_EXHAUSTED);
  expect(assignJobs([agent], [spent, other])).toEqual([{ jobId: "a", runner: "other" }]);
  expect(waitReason(agent, [spent, { ...other, freeSlots: 0 }])).toBe(PendingReason.ALL_SLOTS_BUSY);
});
