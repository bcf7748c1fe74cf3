import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { GapReason, type JobEventSchema, LogStream, MessageState } from "#gen/job/v1/job_event_pb.js";
import { JobPhase, JobSchema, JobState, JobStatusSchema, PermissionMode } from "#gen/job/v1/job_pb.js";
import { type WatchJobResponse, WatchJobResponseSchema, WatchOutcome } from "#gen/job/v1/job_service_pb.js";
import { JobFeed, MissingEventError } from "./job-feed.ts";

type EventInit = MessageInitShape<typeof JobEventSchema>;

test("a stream cut at any event ends equal to one that was never cut", () => {
  const whole = play([batch(1, story)]);
  for (let cutAt = 1; cutAt < story.length; cutAt++) {
    const feed = play([batch(1, story.slice(0, cutAt))]);
    // The second stream begins with some of what the first had sent.
    const again = Math.max(0, cutAt - 2);
    feed.take(batch(again + 1, story.slice(again)));
    expect(feed.log.rows).toEqual(whole.log.rows);
    expect(feed.job).toEqual(whole.job);
    expect([feed.sequence, feed.isFinal]).toEqual([story.length, true]);
  }
});

test("an event that is missing asks for a refill, and one that stays missing is shown as lost", () => {
  const feed = play([batch(1, story.slice(0, 2))]);
  expect(() => feed.take(batch(4, story.slice(3)))).toThrow(MissingEventError);
  expect(feed.sequence).toBe(2);
  feed.take(batch(4, story.slice(3)));
  expect(feed.sequence).toBe(story.length);
  expect(feed.log.rows.map((row) => row.text)).toContain("… events 3 to 3 are lost: they did not come");
});

test("a gap in the verdict is shown, and the events after it are taken", () => {
  const feed = play([]);
  const gap = { fromSequence: 1, toSequence: 3, reason: GapReason.RUNNER_LOST };
  feed.take(response({ case: "verdict", value: { outcome: WatchOutcome.GAP, gap, newestSequence: story.length } }));
  feed.take(batch(4, story.slice(3)));
  expect(feed.log.rows[0]?.text).toBe("… events 1 to 3 are lost: the runner was lost with them");
  expect(feed.sequence).toBe(story.length);
});

test("history does not take back what the job, read later, knows already", () => {
  const feed = new JobFeed();
  const status = create(JobStatusSchema, { state: JobState.SUCCEEDED });
  feed.takeSnapshot(create(JobSchema, { id: "job_1", revision: 9, newestSequence: story.length, status }));
  feed.take(batch(1, story.slice(0, 3)));
  expect(feed.job?.status?.state).toBe(JobState.SUCCEEDED);
  expect(feed.isFinal).toBe(false);
});

test("a heartbeat tells how far behind the reader is", () => {
  const feed = play([batch(1, story.slice(0, 2))]);
  feed.take(response({ case: "heartbeat", value: { newestSequence: 30 } }));
  expect(feed.behind).toBe(28);
});

test("a message joins the transcript once the agent has it, and a withdrawn one never does", () => {
  const message = (id: string, state: MessageState): EventInit => ({
    payload: { case: "message", value: { id, state } },
  });
  const feed = play([
    batch(1, [
      message("msg_1", MessageState.QUEUED),
      message("msg_2", MessageState.QUEUED),
      message("msg_2", MessageState.WITHDRAWN),
      message("msg_3", MessageState.QUEUED),
    ]),
  ]);
  expect(feed.transcript.blocks).toEqual([]);
  feed.take(batch(5, [message("msg_1", MessageState.CONSUMED), message("msg_3", MessageState.UNDELIVERED)]));
  expect(feed.transcript.blocks.map(({ key }) => key)).toEqual(["msg_1", "msg_3"]);
  expect([...feed.messages].map(({ state }) => state)).toEqual([
    MessageState.CONSUMED,
    MessageState.WITHDRAWN,
    MessageState.UNDELIVERED,
  ]);
});

test("a change of the permission mode shows on the job at once", () => {
  const value = { mode: PermissionMode.PLAN, previousMode: PermissionMode.ASK };
  const event = { case: "permissionModeChanged", value } as const;
  const feed = play([batch(1, [{ payload: { case: "agent", value: { event } } }])]);
  expect(feed.job?.permissionMode).toBe(PermissionMode.PLAN);
});

const running = { state: JobState.RUNNING };
const story: readonly EventInit[] = [
  { payload: { case: "stateChanged", value: { status: { state: JobState.PENDING } } } },
  { payload: { case: "stateChanged", value: { status: running, placement: { runner: "vm-1", slot: 2, attempt: 1 } } } },
  { payload: { case: "phaseChanged", value: { phase: JobPhase.EXECUTING } } },
  output(1, "hel"),
  output(1, "lo\nwor"),
  output(2, "ld\n"),
  { payload: { case: "process", value: { event: { case: "exited", value: { exitCode: 0 } } } } },
  { payload: { case: "stateChanged", value: { status: { state: JobState.SUCCEEDED } } } },
];

function output(firstLine: number, text: string): EventInit {
  return {
    payload: { case: "log", value: { stream: LogStream.STDOUT, firstLine, data: new TextEncoder().encode(text) } },
  };
}

function play(messages: readonly WatchJobResponse[]): JobFeed {
  const feed = new JobFeed();
  feed.takeSnapshot(create(JobSchema, { id: "job_1", revision: 1, status: { state: JobState.PENDING } }));
  for (const message of messages) feed.take(message);
  return feed;
}

function batch(firstSequence: number, events: readonly EventInit[]): WatchJobResponse {
  return response({
    case: "batch",
    value: { header: { firstSequence, count: events.length }, events: [...events] },
  });
}

function response(message: NonNullable<MessageInitShape<typeof WatchJobResponseSchema>["message"]>): WatchJobResponse {
  return create(WatchJobResponseSchema, { message });
}
