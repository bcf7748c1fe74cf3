import { type ReadonlySignal, signal } from "@preact/signals";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import type { LogLine } from "#gen/job/v1/job_service_pb.js";
import type { Gateway } from "../transport.ts";

const lastLines = 20;

/** What a job that failed wrote to standard error. */
export interface ErrorLines {
  readonly jobId: string;
  /** The last ones, oldest first. */
  readonly last: readonly ErrorLine[];
  /** Number of the first line that looks like an error; undefined when none does. */
  readonly first: number | undefined;
}

/** One of them. */
export interface ErrorLine {
  readonly number: number;
  readonly text: string;
}

/** Reads what went wrong, when somebody looks at it. */
export interface ErrorLinesStore {
  readonly read: (jobId: string) => Promise<void>;
  /** Of the job that was read last; undefined until it has been. */
  readonly lines: ReadonlySignal<ErrorLines | undefined>;
}

/** Reads them from the whole log, most of which this page may not hold. */
export function createErrorLines(jobs: Gateway["jobs"]): ErrorLinesStore {
  const lines = signal<ErrorLines>();
  return {
    lines,
    read: async (id) => {
      const [tail, found] = await Promise.all([
        jobs.readLog({ id, stream: LogStream.STDERR, tail: lastLines }),
        jobs.readLog({ id, search: "(error|fatal|failed|exception|panic)", regex: true, pageSize: 1 }),
      ]);
      const last = tail.lines.map(toErrorLine);
      lines.value = { jobId: id, last, first: found.lines[0]?.number ?? last[0]?.number };
    },
  };
}

const decoder = new TextDecoder();

/** Without colours, which mean nothing here. */
function toErrorLine({ number, text }: LogLine): ErrorLine {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is how colours begin
  return { number, text: decoder.decode(text).replace(/\x1b\[[\d;]*[A-Za-z]/g, "") };
}
