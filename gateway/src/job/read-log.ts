/** ReadLog: pages of lines, assembled in the Worker from the frames that a JobObject sends. */
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { LogGap } from "#gen/job/v1/job_event_pb.js";
import {
  type LogLine,
  LogLineSchema,
  type ReadLogRequest,
  type ReadLogResponse,
  ReadLogResponseSchema,
  WatchJobResponseSchema,
} from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { LineAssembler, type LinePiece, type LogItem } from "#protocol/log-lines.ts";
import { problemError } from "#protocol/problem.ts";
import { decodeEnvelopes } from "../envelope-stream.ts";
import { jobNotFound } from "./job-refusals.ts";
import { lineFilter } from "./line-filter.ts";

/** A JobObject's frames from the one in which a line begins. */
export type OpenLog = (line: number) => Promise<Response>;

const defaultPageSize = 1_000;
const maxPageBytes = 1024 * 1024;

/** The page of lines that a request asks for. `totalLines` is the length of the log so far. */
export async function readLog(open: OpenLog, request: ReadLogRequest, totalLines: number): Promise<ReadLogResponse> {
  const wants = lineFilter(request);
  const isFiltered = request.stream !== 0 || request.search !== "";
  const page = new LogPage(request.tail > 0 ? request.tail : request.pageSize || defaultPageSize, request.tail > 0);
  const lastLine = request.toLine === 0 ? Number.MAX_SAFE_INTEGER : request.toLine;
  const firstLine = Math.max(
    request.fromLine,
    1,
    request.pageToken === "" ? 1 : parseLineToken(request.pageToken),
    request.tail > 0 && !isFiltered ? Math.min(totalLines, lastLine) - request.tail + 1 : 1,
  );
  for await (const item of linesFrom(open, firstLine)) {
    if (item.kind === "gap") page.addGap(item.gap);
    else if (item.number > lastLine) break;
    else if (item.number >= firstLine && wants(item) && !page.add(item)) break;
  }
  return create(ReadLogResponseSchema, { ...page.content, totalLines });
}

/** The lines and gaps of a log, from the frame in which a line begins to its present end. */
async function* linesFrom(open: OpenLog, line: number): AsyncGenerator<LogItem> {
  const response = await open(line);
  if (response.status === 404 || response.body === null) throw problemError(jobNotFound());
  const assembler = new LineAssembler();
  let newest = 0;
  for await (const { message } of decodeEnvelopes(WatchJobResponseSchema, response.body)) {
    if (message.case !== "batch") continue;
    newest = (message.value.header?.firstSequence ?? 1) + message.value.events.length - 1;
    yield* assembler.pushBatch(message.value);
  }
  yield* assembler.finish(newest);
}

/** Gathers lines until the page is full: the first ones, or the last ones. */
class LogPage {
  readonly #size: number;
  readonly #keepsLast: boolean;
  readonly #lines: LogLine[] = [];
  readonly #gaps: LogGap[] = [];
  #bytes = 0;
  #next = "";

  constructor(size: number, keepsLast: boolean) {
    this.#size = size;
    this.#keepsLast = keepsLast;
  }

  get content() {
    const lines = this.#lines.toSorted((one, other) => one.number - other.number);
    return { lines, gaps: this.#gaps, nextPageToken: this.#next };
  }

  addGap(gap: LogGap): void {
    this.#gaps.push(gap);
  }

  /** Adds a line; false when the page is full and the line belongs to the next one. */
  add(piece: LinePiece): boolean {
    const newest = this.#lines.at(-1);
    // A line longer than 64 KiB comes in pieces; its first one stands for it.
    if (newest?.number === piece.number && newest.stream === piece.stream) return true;
    const isFull = this.#lines.length >= this.#size || this.#bytes + piece.bytes.length > maxPageBytes;
    if (isFull && !this.#keepsLast) {
      this.#next = String(piece.number);
      return false;
    }
    const { number, stream, time, bytes: text, partial } = piece;
    this.#lines.push(create(LogLineSchema, { number, stream, text, partial, ...(time === undefined ? {} : { time }) }));
    this.#bytes += text.length;
    while (this.#lines.length > this.#size || (this.#bytes > maxPageBytes && this.#lines.length > 1)) {
      this.#bytes -= this.#lines.shift()?.text.length ?? 0;
    }
    return true;
  }
}

function parseLineToken(token: string): number {
  if (/^[1-9][0-9]{0,9}$/.test(token)) return Number(token);
  throw problemError({
    code: Code.InvalidArgument,
    reason: ProblemReason.CURSOR_EXPIRED,
    field: "page_token",
    message: `page_token "${token}" is not one of this log`,
    action: "Leave page_token out to begin with the first page.",
  });
}
