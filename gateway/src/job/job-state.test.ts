import { expect, test } from "vitest";
import { EndCause, JobState } from "#gen/job/v1/job_pb.js";
import { finalState, isFinal, mayMove, runnerMayReport } from "./job-state.ts";

const states = [
  JobState.PENDING,
  JobState.RUNNING,
  JobState.WAITING,
  JobState.SUCCEEDED,
  JobState.FAILED,
  JobState.CANCELED,
  JobState.TIMED_OUT,
];
const terminal = [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED, JobState.TIMED_OUT];

test("a terminal state moves nowhere", () => {
  for (const from of terminal) for (const to of states) expect(mayMove(from, to)).toBe(false);
});

test("every other state can reach an end, and nothing goes back to pending", () => {
  for (const from of [JobState.PENDING, JobState.RUNNING, JobState.WAITING]) {
    expect(terminal.some((to) => mayMove(from, to))).toBe(true);
  }
  expect(mayMove(JobState.RUNNING, JobState.PENDING)).toBe(false);
  expect(mayMove(JobState.WAITING, JobState.PENDING)).toBe(false);
});

test("a job succeeds only after it ran", () => {
  expect(mayMove(JobState.PENDING, JobState.SUCCEEDED)).toBe(false);
  expect(mayMove(JobState.RUNNING, JobState.SUCCEEDED)).toBe(true);
});

test("every cause of an end leads to a terminal state, and only completion to success", () => {
  const causes = Object.values(EndCause).filter((cause): cause is EndCause => typeof cause === "number");
  for (const cause of causes) {
    expect(isFinal(finalState(cause))).toBe(true);
    expect(finalState(cause) === JobState.SUCCEEDED).toBe(cause === EndCause.COMPLETED);
  }
});

test("a runner reports that a job runs or waits, never how it ended", () => {
  expect(states.filter(runnerMayReport)).toEqual([JobState.RUNNING, JobState.WAITING]);
});
