import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { type JobEventSchema, LogStream } from "#gen/job/v1/job_event_pb.js";
import { JobSchema } from "#gen/job/v1/job_pb.js";
import type { ReadLogRequest, WatchJobResponseSchema } from "#gen/job/v1/job_service_pb.js";
import { openLocalGateway } from "../local-gateway.ts";
import type { Services } from "../rpc.ts";
import { withoutAnsi } from "./logs.ts";

const id = "job_0123456789abcdef";
const { STDOUT, STDERR } = LogStream;

test("without a wish the bytes come as the job wrote them", async () => {
  const both = await readLogs("");
  expect(both.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(both.headers.get("x-total-lines")).toBe("4");
  expect(await both.text()).toBe("one\noops\ntwo\nred\x1b[31m!\x1b[0m");
  const stdout = new Uint8Array(await (await readLogs("?stream=stdout")).arrayBuffer());
  expect(new TextDecoder().decode(stdout)).toBe("one\ntwo\nred\x1b[31m!\x1b[0m");
});

test.each([
  ["?tail=2", { tail: 2, fromLine: 0 }],
  ["?from_line=2&to_line=3", { fromLine: 2, toLine: 3 }],
  ["?grep=o&stream=stderr", { search: "o", stream: STDERR }],
])("%s asks for those lines alone, page by page", async (query, wish) => {
  const asked: ReadLogRequest[] = [];
  const response = await readLogs(query, {}, asked);
  expect(await response.text()).toBe("one\noops\ntwo\n");
  expect(asked).toMatchObject([
    { ...wish, pageToken: "" },
    { ...wish, pageToken: "2" },
  ]);
});

test("lines carry their times, and lose their colours, on demand", async () => {
  expect(await (await readLogs("?timestamps=1")).text()).toMatch(/^1970-01-01T00:00:01.000Z one\n/);
  expect(await (await readLogs("?ansi=0&follow=1")).text()).toBe("one\noops\ntwo\nred!\n");
});

test("lines come as NDJSON to those who ask for it", async () => {
  const response = await readLogs("?stream=stderr&follow=1", { accept: "application/x-ndjson" });
  const [line, ...rest] = (await response.text()).trimEnd().split("\n");
  expect(JSON.parse(line ?? "")).toMatchObject({
    line: 2,
    stream: "stderr",
    text: "oops\n",
    level: "error",
    message: "oops",
  });
  expect(rest).toEqual([]);
});

test("following shows the lines wished for until the job ends", async () => {
  expect(await (await readLogs("?follow=1&from_line=2&to_line=3")).text()).toBe("oops\ntwo\n");
  expect(await (await readLogs("?follow=1&grep=OOP")).text()).toBe("oops\n");
  expect(await (await readLogs("?follow=1&tail=1")).text()).toBe("one\noops\ntwo\nred\x1b[31m!\x1b[0m\n");
});

test("output that was not kept is told in between", async () => {
  const gap = {
    payload: { case: "logGap" as const, value: { stream: STDOUT, fromOffset: 3n, toOffset: 10n, lines: 2 } },
  };
  const response = await readLogs("", {}, [], [log(STDOUT, 1, "one\n"), gap, log(STDOUT, 4, "end\n")]);
  expect(await response.text()).toBe("one\n[7 bytes with 2 line ends were not kept]\nend\n");
});

test.each([
  ["\x1b[1;31mred\x1b[0m", "red"],
  ["\x1b]8;;https://x\x07link\x1b]8;;\x1b\\", "link"],
  ["\x1b]0;title", ""],
  ["\x1b(Bplain\x1bM", "plain"],
  ["☃ \x1b[2K\rdone", "☃ \rdone"],
])("%j without escape sequences is %j", (text, plain) => {
  expect(new TextDecoder().decode(withoutAnsi(new TextEncoder().encode(text)))).toBe(plain);
});

type EventInit = MessageInitShape<typeof JobEventSchema>;

const script: readonly EventInit[] = [
  log(STDOUT, 1, "one\n"),
  log(STDERR, 2, "oops\n"),
  log(STDOUT, 3, "two\nred\x1b[31m!\x1b[0m"),
  { payload: { case: "attemptEnded", value: {} } },
];

/** Reads the log of a job whose output is this script, and whose stored lines come in two pages. */
async function readLogs(
  query: string,
  headers: Record<string, string> = {},
  asked: ReadLogRequest[] = [],
  events: readonly EventInit[] = script,
): Promise<Response> {
  const line = (number: number, text: string) => ({
    number,
    stream: STDOUT,
    time: timestampFromMs(number * 1000),
    text: new TextEncoder().encode(text),
  });
  const job: Services["job"] = {
    getJob: () => ({ job: create(JobSchema, { id, log: { lines: 4 } }) }),
    readLog(request) {
      asked.push(request);
      return request.pageToken === ""
        ? { lines: [line(1, "one"), line(2, "oops")], nextPageToken: "2" }
        : { lines: [line(3, "two")] };
    },
    async *watchJob(): AsyncGenerator<MessageInitShape<typeof WatchJobResponseSchema>> {
      yield { message: { case: "verdict", value: { newestSequence: events.length } } };
      const header = { firstSequence: 1, count: events.length };
      yield { message: { case: "batch", value: { header, events: [...events] } } };
    },
  };
  return await openLocalGateway({ job })(`/api/jobs/${id}/logs${query}`, { headers });
}

function log(stream: LogStream, firstLine: number, text: string): EventInit {
  return { payload: { case: "log", value: { stream, firstLine, data: new TextEncoder().encode(text) } } };
}
