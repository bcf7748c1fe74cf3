import { timestampMs } from "@bufbuild/protobuf/wkt";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import type { Gateway } from "../transport.ts";
import type { FarLine } from "./log-messages.ts";
import type { LogQuery } from "./log-query.ts";

/** What the gateway stores of a log, read by range. */
export interface FarLog {
  readonly readLines: (range: LineRange) => Promise<readonly FarLine[]>;
  /** The last so many lines, and how many there are. */
  readonly readTail: (lines: number) => Promise<{ readonly lines: readonly FarLine[]; readonly totalLines: number }>;
  /** Numbers of the lines that match. */
  readonly findLines: (query: LogQuery, range: LineRange) => Promise<readonly number[]>;
}

/** Lines by number, both ends included. */
export interface LineRange {
  readonly from: number;
  readonly to: number;
}

/** The stored log of a job. */
export function createFarLog(jobs: Gateway["jobs"], id: string): FarLog {
  return {
    readLines: async ({ from, to }) => {
      const lines: FarLine[] = [];
      for (let pageToken = ""; ; ) {
        const page = await jobs.readLog({ id, fromLine: from, toLine: to, pageSize: 10_000, pageToken });
        lines.push(...page.lines.map(toFarLine));
        pageToken = page.nextPageToken;
        if (pageToken === "") return lines;
      }
    },
    readTail: async (tail) => {
      const { lines, totalLines } = await jobs.readLog({ id, tail });
      return { lines: lines.map(toFarLine), totalLines };
    },
    findLines: async ({ text: search, isExpression: regex, matchCase }, { from, to }) => {
      const numbers: number[] = [];
      const request = { id, fromLine: from, toLine: to, search, regex, matchCase, numbersOnly: true };
      for (let pageToken = ""; ; ) {
        const page = await jobs.readLog({ ...request, pageToken });
        for (const number of page.lineNumbers) numbers.push(number);
        pageToken = page.nextPageToken;
        if (pageToken === "") return numbers;
      }
    },
  };
}

type StoredLine = Awaited<ReturnType<Gateway["jobs"]["readLog"]>>["lines"][number];

function toFarLine({ number, stream, time, text }: StoredLine): FarLine {
  return { number, isError: stream === LogStream.STDERR, timeMs: time ? timestampMs(time) : 0, data: text.slice() };
}
