import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type EventBatch, LogStream } from "#gen/job/v1/job_event_pb.js";
import {
  type LogLine,
  LogLineSchema,
  type ReadLogRequest,
  type ReadLogResponseSchema,
} from "#gen/job/v1/job_service_pb.js";
import { visibleText } from "#protocol/terminal-line.ts";

const defaultPageSize = 1_000;

/** Lines of a job's output, as the gateway would read them. */
export function readLog(
  batches: readonly EventBatch[],
  request: ReadLogRequest,
): MessageInitShape<typeof ReadLogResponseSchema> {
  const all = [...linesOf(batches)];
  const isFound = createSearch(request);
  const toLine = request.toLine || Number.POSITIVE_INFINITY;
  const inRange = all.filter(
    ({ number, stream, text }) =>
      number >= request.fromLine &&
      number <= toLine &&
      (request.stream === LogStream.UNSPECIFIED || request.stream === stream) &&
      isFound(text),
  );
  const found = request.tail > 0 ? inRange.slice(-request.tail) : inRange;
  if (request.numbersOnly) return { lineNumbers: found.map(({ number }) => number), totalLines: all.length };
  const from = Number(request.pageToken || "0");
  const until = from + (request.tail || request.pageSize || defaultPageSize);
  return {
    lines: found.slice(from, until),
    nextPageToken: until < found.length ? String(until) : "",
    totalLines: all.length,
  };
}

function* linesOf(batches: readonly EventBatch[]): Generator<LogLine> {
  for (const { events } of batches) {
    for (const { payload, time } of events) {
      if (payload.case !== "log") continue;
      const { data, firstLine, stream } = payload.value;
      let number = firstLine;
      for (let from = 0; from < data.length; number++) {
        const lineEnd = data.indexOf(10, from);
        const end = lineEnd === -1 ? data.length : lineEnd;
        yield create(LogLineSchema, { number, stream, text: data.subarray(from, end), ...(time && { time }) });
        from = end + 1;
      }
    }
  }
}

function createSearch({ search, regex, matchCase }: ReadLogRequest): (text: Uint8Array) => boolean {
  if (search === "") return () => true;
  const pattern = regex ? search : search.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const wanted = new RegExp(pattern, matchCase ? "u" : "iu");
  const decoder = new TextDecoder();
  return (text) => wanted.test(visibleText(decoder.decode(text)));
}
