/** Where the text of a log comes from: stored pages of lines, or the job's events. */
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import { type EventBatch, type LogGap, LogStream } from "#gen/job/v1/job_event_pb.js";
import type { JobService, LogLine, ReadLogResponse } from "#gen/job/v1/job_service_pb.js";
import { LineAssembler, type LogItem } from "#protocol/log-lines.ts";

/** Which part of the output is wanted. 0, "" and UNSPECIFIED are no wish. */
export interface LogWish {
  readonly fromLine: number;
  readonly toLine: number;
  readonly tail: number;
  readonly stream: LogStream;
  /** Text that a line must hold, in any case. */
  readonly grep: string;
  /** Go on until the job ends. */
  readonly follow: boolean;
}

/** A line, or output that was not kept, ready to be shown. */
export type ShownLine = Line | Gap;

interface Line {
  readonly kind: "line";
  readonly number: number;
  readonly stream: LogStream;
  readonly time: Timestamp | undefined;
  readonly bytes: Uint8Array;
  readonly partial: boolean;
}

interface Gap {
  readonly kind: "gap";
  readonly stream: LogStream;
  readonly bytes: number;
  readonly lines: number;
}

/** One job's output. */
export interface LogSource {
  readonly jobs: Client<typeof JobService>;
  readonly id: string;
  readonly signal: AbortSignal;
}

/** The bytes as the job wrote them. With both streams asked for, they stand in the order in which they came. */
export async function* readWhole({ jobs, id, signal }: LogSource, { stream, follow }: LogWish) {
  const enough = new AbortController();
  let newest = 0;
  try {
    for await (const { message } of jobs.watchJob({ id }, { signal: AbortSignal.any([signal, enough.signal]) })) {
      if (message.case === "verdict") newest = message.value.newestSequence;
      if (message.case === "batch") {
        for (const { payload } of message.value.events) {
          if (payload.case === "log" && isWanted(payload.value.stream, stream)) yield payload.value.data;
          if (payload.case === "logGap" && stream === LogStream.UNSPECIFIED) yield gapAsText(toGap(payload.value));
        }
      }
      const seen = message.case === "batch" ? lastSequence(message.value) : 0;
      if (!follow && seen >= newest) return;
    }
  } finally {
    enough.abort();
  }
}

/** How a reader of text is told about output that was not kept. */
export function gapAsText({ bytes, lines }: { readonly bytes: number; readonly lines: number }): Uint8Array {
  return new TextEncoder().encode(`[${bytes} bytes with ${lines} line ends were not kept]\n`);
}

/** The lines that are there now, page by page. */
export async function* readStored({ jobs, id, signal }: LogSource, wish: LogWish): AsyncIterable<readonly ShownLine[]> {
  const { fromLine, toLine, tail, stream, grep: search } = wish;
  for (let pageToken = ""; ; ) {
    const page = await jobs.readLog(
      { id, fromLine, toLine, tail, stream, search, pageSize: 10_000, pageToken },
      { signal },
    );
    yield toShown(page);
    pageToken = page.nextPageToken;
    if (pageToken === "") return;
  }
}

/** The lines that are there, and those that come until the job ends. */
export async function* readFollowed(source: LogSource, wish: LogWish): AsyncIterable<readonly ShownLine[]> {
  const fromLine = wish.tail === 0 ? wish.fromLine : await firstOfTail(source, wish);
  const needle = wish.grep.toLowerCase();
  const isShown = (line: ShownLine) =>
    isWanted(line.stream, wish.stream) &&
    (line.kind === "gap" ||
      (line.number >= fromLine &&
        (wish.toLine === 0 || line.number <= wish.toLine) &&
        new TextDecoder().decode(line.bytes).toLowerCase().includes(needle)));
  const assembler = new LineAssembler();
  for await (const { message } of source.jobs.watchJob({ id: source.id }, { signal: source.signal })) {
    if (message.case !== "batch") continue;
    yield assembler.pushBatch(message.value).map(toShownItem).filter(isShown);
  }
}

/** Number of the first of the last lines wanted. */
async function firstOfTail({ jobs, id, signal }: LogSource, { fromLine, toLine, tail, stream, grep }: LogWish) {
  const request = { id, fromLine, toLine, tail, stream, search: grep, pageSize: 1 };
  const { lines, totalLines } = await jobs.readLog(request, { signal });
  return lines[0]?.number ?? totalLines + 1;
}

function isWanted(stream: LogStream, wanted: LogStream): boolean {
  return wanted === LogStream.UNSPECIFIED || stream === wanted;
}

function lastSequence({ header }: EventBatch): number {
  return header === undefined ? 0 : header.firstSequence + header.count - 1;
}

function toShown({ lines, gaps }: ReadLogResponse): readonly ShownLine[] {
  return [...lines.map(toLine), ...gaps.map(toGap)];
}

function toLine({ number, stream, time, text, partial }: LogLine): Line {
  return { kind: "line", number, stream, time, bytes: text, partial };
}

function toShownItem(item: LogItem): ShownLine {
  return item.kind === "line" ? item : toGap(item.gap);
}

function toGap({ stream, fromOffset, toOffset, lines }: LogGap): Gap {
  return { kind: "gap", stream, bytes: Number(toOffset - fromOffset), lines };
}
