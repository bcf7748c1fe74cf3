import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import {
  GapReason,
  JobEventSchema,
  type LogChunk,
  type LogPositionSchema,
  LogStream,
} from "#gen/job/v1/job_event_pb.js";
import { EndCause, JobSchema, JobState } from "#gen/job/v1/job_pb.js";
import { type WatchJobResponseSchema, WatchOutcome } from "#gen/job/v1/job_service_pb.js";
import { openLocalGateway } from "../local-gateway.ts";
import type { Services } from "../rpc.ts";

const id = "job_0123456789abcdef";
const { STDOUT, STDERR } = LogStream;

type EventInit = MessageInitShape<typeof JobEventSchema>;
type ResponseInit = MessageInitShape<typeof WatchJobResponseSchema>;

/** Two lines split over events and streams, several lines in one event, a line without an end. */
const script: readonly EventInit[] = [
  state(JobState.RUNNING),
  log(STDOUT, 1, "hel"),
  log(STDERR, 2, "warn"),
  log(STDOUT, 1, "lo\n"),
  log(STDOUT, 3, "a\nb\nc\npart"),
  log(STDERR, 2, "ing\n"),
  { payload: { case: "agent", value: { event: { case: "text", value: { messageId: "m", text: "hi" } } } } },
  log(STDOUT, 6, "ial\nlast"),
  { payload: { case: "attemptEnded", value: {} } },
  state(JobState.SUCCEEDED),
];

test("a stream is framed as the documentation shows it", async () => {
  const response = await open(jobOf(script));
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(response.headers.get("cache-control")).toBe("no-cache, no-transform");
  expect(response.headers.get("content-length")).toBeNull();
  const text = await response.text();
  expect(text.slice(0, 38)).toBe("retry: 2000\n\nid: 1\nevent: status\ndata:");
  expect(text).toContain(
    'id: 4\nevent: log\ndata: {"seq":4,"ts":"1970-01-01T00:00:02.000Z","stream":"stdout","line":1,' +
      '"text":"hello\\n","partial":false,"level":"info","message":"hello"}\n\n',
  );
  expect(text).toMatch(
    /id: 10\nevent: end\ndata: \{"seq":10,[^\n]*"status":"succeeded"[^\n]*"exit_code":0[^\n]*\}\n\n$/,
  );
});

test("asks, messages and usage are events of their own", async () => {
  const job = jobOf([
    { payload: { case: "ask", value: { id: "ask_1", state: 1, question: { case: "plan", value: { plan: "p" } } } } },
    { payload: { case: "message", value: { id: "msg_1", state: 2, text: "go" } } },
    { payload: { case: "agent", value: { event: { case: "usage", value: { model: "m", usage: { requests: 1 } } } } } },
    state(JobState.SUCCEEDED),
  ]);
  const events = parseSse(await (await open(job)).text());
  expect(events.map(({ event, data }) => [event, data])).toMatchObject([
    ["ask", { seq: 1, id: "ask_1", state: "open", plan: { plan: "p" } }],
    ["message", { seq: 2, id: "msg_1", state: "consumed", text: "go" }],
    ["usage", { seq: 3, type: "usage", model: "m", usage: { requests: 1 } }],
    ["end", {}],
  ]);
});

test("lines are whole, in the order in which they were completed", async () => {
  const events = parseSse(await (await open(jobOf(script))).text());
  expect(
    events.filter(({ event }) => event === "log").map(({ id, data }) => [id, data.line, data.level, data.text]),
  ).toEqual([
    ["4", 1, "info", "hello\n"],
    ["5-1", 3, "info", "a\n"],
    ["5-2", 4, "info", "b\n"],
    ["5", 5, "info", "c\n"],
    ["6", 2, "error", "warning\n"],
    ["8", 6, "info", "partial\n"],
    ["9-1", 7, "info", "last"],
  ]);
});

test.each([1, 2, 3, 10])(
  "a reader that is cut after any event misses and repeats nothing, with batches of %i",
  async (size) => {
    const job = jobOf(script, { batchSize: size });
    const all = parseSse(await (await open(job)).text());
    for (const [index, event] of all.entries()) {
      const rest = await open(job, { "last-event-id": event.id ?? "" });
      expect(parseSse(await rest.text())).toEqual(all.slice(index + 1));
    }
  },
);

test("a reader that comes back in mid-line gets the line whole, however far back it began", async () => {
  const dots = Array.from({ length: 700 }, (_, index) => log(STDOUT, index + 2, `${index}\n`));
  const job = jobOf([log(STDERR, 1, "Password: "), ...dots, log(STDERR, 1, "ok\n"), state(JobState.SUCCEEDED)]);
  const events = parseSse(await (await open(job, {}, "?after=690")).text());
  expect(events.filter(({ data }) => data.stream === "stderr").map(({ data }) => data.text)).toEqual([
    "Password: ok\n",
  ]);
  expect(events[0]?.id).toBe("691");
});

test("a line too long for one event is resumed at any of its pieces", async () => {
  const x = "x".repeat(50_000);
  const job = jobOf([
    ...Array.from({ length: 5 }, () => log(STDOUT, 1, x)),
    log(STDERR, 2, "e\n"),
    log(STDOUT, 1, "end\nnext\n"),
    state(JobState.SUCCEEDED),
  ]);
  const all = parseSse(await (await open(job)).text());
  expect(all.map(({ id, data }) => [id, data.line, data.text?.length, data.partial])).toEqual([
    ["2", 1, 65_536, true],
    ["3", 1, 65_536, true],
    ["4", 1, 65_536, true],
    ["6", 2, 2, false],
    ["7-1", 1, 250_003 - 3 * 65_536 + 1, false],
    ["7", 2, 5, false],
    ["8", undefined, undefined, undefined],
  ]);
  for (const [index, { id }] of all.entries()) {
    const rest = await open(job, { "last-event-id": id ?? "" });
    expect(parseSse(await rest.text())).toEqual(all.slice(index + 1));
  }
});

test("a line whose beginning is no longer kept is shown from where it is", async () => {
  const watched: number[] = [];
  const job: Services["job"] = {
    getJob: () => ({ job: create(JobSchema, { id, newestSequence: 400 }) }),
    async *watchJob({ afterSequence }) {
      watched.push(afterSequence);
      const isOld = afterSequence < 300;
      const gap = { fromSequence: 1, toSequence: 300, reason: GapReason.EXPIRED };
      yield verdict(isOld ? { outcome: WatchOutcome.GAP, gap } : { outcome: WatchOutcome.OK });
      const position = { stdoutOffset: 9n, lines: 1 };
      yield batch(301, [log(STDOUT, 1, "ning"), log(STDOUT, 1, " is gone\n"), log(STDOUT, 2, "whole\n")], position);
    },
  };
  const events = parseSse(await (await open(job, {}, "?after=300")).text());
  expect(events.map(({ data }) => data.text)).toEqual(["ning is gone\n", "whole\n"]);
  expect(watched).toEqual([300, 236]);
});

test("a reader that comes back after the end gets 204, which keeps an EventSource away", async () => {
  const job = jobOf(script);
  expect((await open(job, { "last-event-id": "10" })).status).toBe(204);
  expect((await open(job, {}, "?after=10")).status).toBe(204);
  expect((await open(job, { "last-event-id": "9" })).status).toBe(200);
});

test("the same stream comes as NDJSON to those who ask for it", async () => {
  const response = await open(jobOf(script), { accept: "application/x-ndjson" });
  const lines = (await response.text())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(response.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
  expect(lines[0]).toMatchObject({ event: "status", id: "1", seq: 1, status: "running" });
  expect(lines.find(({ event }) => event === "transcript")).toMatchObject({ seq: 7, type: "text", text: "hi" });
  expect(lines.at(-1)).toMatchObject({ event: "end", id: "10" });
});

test("missing output, missing events and heartbeats are told", async () => {
  const messages: ResponseInit[] = [
    verdict({ outcome: WatchOutcome.GAP, gap: { fromSequence: 1, toSequence: 4, reason: GapReason.EXPIRED } }),
    { message: { case: "heartbeat", value: { time: timestampFromMs(5000), newestSequence: 6 } } },
    batch(5, [
      log(STDOUT, 3, "cut"),
      {
        payload: {
          case: "logGap",
          value: { stream: STDOUT, fromOffset: 3n, toOffset: 9n, lines: 2, reason: GapReason.OUTPUT_LIMIT },
        },
      },
    ]),
  ];
  const text = await (await open(serving(messages))).text();
  expect(parseSse(text).map(({ event, id, data }) => ({ event, id, data }))).toMatchObject([
    { event: "gap", id: "4", data: { from: 1, to: 4, reason: "expired" } },
    { event: "heartbeat", id: undefined, data: { ts: "1970-01-01T00:00:05.000Z", last_seq: 6 } },
    { event: "log", id: "6-1", data: { text: "cut", partial: true } },
    {
      event: "gap",
      id: "6",
      data: { stream: "stdout", from_offset: 3, to_offset: 9, lines: 2, reason: "output_limit" },
    },
  ]);
});

test("a cursor that is worth nothing any more is told as a problem", async () => {
  const text = await (await open(serving([verdict({ outcome: WatchOutcome.EXPIRED })]))).text();
  expect(parseSse(text)).toMatchObject([
    { event: "problem", data: { code: "out_of_range", reason: "cursor_expired" } },
  ]);
});

test("a stream that breaks says so and keeps its place", async () => {
  const job = serving(
    [verdict({ outcome: WatchOutcome.OK }), batch(1, [log(STDOUT, 1, "a\n")])],
    new ConnectError("gone", Code.Unavailable),
  );
  const events = parseSse(await (await open(job)).text());
  expect(events).toMatchObject([
    { event: "log", id: "1" },
    { event: "problem", id: undefined, data: { code: "unavailable" } },
  ]);
});

test("an unknown job is answered before the stream begins", async () => {
  const job: Services["job"] = {
    getJob() {
      throw new ConnectError("no job has this id", Code.NotFound);
    },
  };
  const response = await open(job);
  expect([response.status, response.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
});

test("a reader that leaves ends the watch behind it", async () => {
  const left = Promise.withResolvers<void>();
  const job: Services["job"] = {
    getJob: () => ({ job: create(JobSchema, { id, newestSequence: 1 }) }),
    async *watchJob(_, { signal }) {
      signal.addEventListener("abort", () => left.resolve());
      yield verdict({ outcome: WatchOutcome.OK });
      yield batch(1, [state(JobState.RUNNING)]);
      await left.promise;
    },
  };
  const reader = (await open(job)).body?.getReader();
  await reader?.read();
  await reader?.read();
  await reader?.cancel();
  await left.promise;
});

/** A service that plays these events, the stored ones after a cursor, in batches of so many. */
function jobOf(events: readonly EventInit[], { batchSize = 4 } = {}): Services["job"] {
  const timed = events.map((event, index) => ({ time: timestampFromMs((index + 1) * 1000), ...event }));
  return {
    getJob: () => ({
      job: create(JobSchema, { id, newestSequence: events.length, status: { state: JobState.SUCCEEDED } }),
    }),
    async *watchJob({ afterSequence }) {
      yield verdict({ outcome: WatchOutcome.OK, newestSequence: events.length });
      for (let at = afterSequence; at < timed.length; at += batchSize) {
        yield batch(at + 1, timed.slice(at, at + batchSize), positionAfter(timed.slice(0, at)));
      }
    },
    readLog: ({ stream }) => ({ lines: [{ partial: lastByteOf(events, stream) !== 10 }] }),
  };
}

function serving(messages: readonly ResponseInit[], failure?: ConnectError): Services["job"] {
  return {
    getJob: () => ({ job: create(JobSchema, { id, newestSequence: 6 }) }),
    async *watchJob() {
      yield* messages;
      if (failure !== undefined) throw failure;
    },
  };
}

async function open(job: Services["job"], headers: Record<string, string> = {}, query = ""): Promise<Response> {
  return await openLocalGateway({ job })(`/api/jobs/${id}/events${query}`, { headers });
}

function parseSse(text: string) {
  const frames = text.split("\n\n").filter((frame) => frame.includes("event: "));
  return frames.map((frame) => {
    const fields = Object.fromEntries(frame.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
    return { event: fields.event as string, id: fields.id as string | undefined, data: JSON.parse(fields.data) };
  });
}

function state(value: JobState): EventInit {
  const outcome = { cause: EndCause.COMPLETED, exitCode: 0 };
  const detail = value === JobState.SUCCEEDED ? { detail: { case: "outcome" as const, value: outcome } } : {};
  return { payload: { case: "stateChanged", value: { status: { state: value, ...detail } } } };
}

function log(stream: LogStream, firstLine: number, text: string): EventInit {
  return { payload: { case: "log", value: { stream, firstLine, data: new TextEncoder().encode(text) } } };
}

function verdict(
  value: NonNullable<MessageInitShape<typeof WatchJobResponseSchema>["message"]>["value"] & object,
): ResponseInit {
  return { message: { case: "verdict", value } } as ResponseInit;
}

function batch(
  firstSequence: number,
  events: readonly EventInit[],
  log?: MessageInitShape<typeof LogPositionSchema>,
): ResponseInit {
  const made = events.map((event) => create(JobEventSchema, event));
  const header = { firstSequence, count: made.length, ...(log && { log }) };
  return { message: { case: "batch", value: { header, events: made } } };
}

/** Where the log stands after these events, which number lines as a runner does. */
function positionAfter(events: readonly EventInit[]): MessageInitShape<typeof LogPositionSchema> {
  const lastLines = chunksOf(events).map(
    ({ firstLine, data }) => firstLine + data.filter((byte) => byte === 10).length - (data.at(-1) === 10 ? 1 : 0),
  );
  const bytes = (of: LogStream) =>
    BigInt(chunksOf(events).reduce((sum, { stream, data }) => sum + (stream === of ? data.length : 0), 0));
  return { stdoutOffset: bytes(STDOUT), stderrOffset: bytes(STDERR), lines: Math.max(0, ...lastLines) };
}

function lastByteOf(events: readonly EventInit[], of: LogStream): number | undefined {
  return chunksOf(events)
    .findLast(({ stream }) => stream === of)
    ?.data.at(-1);
}

function chunksOf(events: readonly EventInit[]): readonly LogChunk[] {
  return events.flatMap((event) => {
    const { payload } = create(JobEventSchema, event);
    return payload.case === "log" ? [payload.value] : [];
  });
}
