import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { EndCause, JobSchema, JobState, PendingReason, WaitingReason } from "#gen/job/v1/job_pb.js";
import { exitText, statusSentence } from "./status-sentence.ts";

type JobInit = MessageInitShape<typeof JobSchema>;

test.each<[string, string, JobInit]>([
  ["a busy fleet", "Waits for a free lane · position 3 in the queue.", pending(PendingReason.ALL_SLOTS_BUSY, 3)],
  ["no runner", "Waits for a runner: none is online.", pending(PendingReason.NO_RUNNER_ONLINE, 0)],
  ["an ask", "Waits for your answer.", waiting(WaitingReason.ASK)],
  ["a stop", "Stopped by ana.", ended(JobState.CANCELED, { cause: EndCause.CANCELED, actor: { id: "ana" } })],
  ["a lost runner", "Its runner was lost.", ended(JobState.FAILED, { cause: EndCause.RUNNER_LOST })],
  ["the gateway's own words", "Out of tea.", ended(JobState.FAILED, { message: "Out of tea." })],
  ["a quiet runner", "Its runner has not been heard from; the job may well be running.", { suspect: true }],
])("%s", (_, sentence, job) => {
  expect(statusSentence(create(JobSchema, job))).toBe(sentence);
});

const unheardOf: number = 99;

test("reasons that this page is too old to know still make a sentence", () => {
  expect(statusSentence(create(JobSchema, pending(unheardOf, 0)))).toBe("Queued.");
  expect(statusSentence(create(JobSchema, ended(JobState.FAILED, { cause: unheardOf })))).toBe("Ended.");
});

test.each<[string, MessageInitShape<typeof JobSchema>]>([
  ["exit 0", ended(JobState.SUCCEEDED, { exitCode: 0 })],
  ["exit 2", ended(JobState.FAILED, { exitCode: 2 })],
  ["SIGKILL", ended(JobState.FAILED, { signal: "SIGKILL" })],
  ["", ended(JobState.FAILED, { cause: EndCause.CLONE_FAILED })],
])("a process's end is told as %j", (text, job) => {
  expect(exitText(create(JobSchema, job))).toBe(text);
});

function pending(reason: PendingReason, position: number): JobInit {
  return { status: { state: JobState.PENDING, detail: { case: "pending", value: { reason, position } } } };
}

function waiting(reason: WaitingReason): JobInit {
  return { status: { state: JobState.WAITING, detail: { case: "waiting", value: { reason } } } };
}

interface End {
  readonly cause?: EndCause;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly message?: string;
  readonly actor?: { readonly id: string };
}

function ended(state: JobState, value: End): JobInit {
  return { status: { state, detail: { case: "outcome", value } } };
}
