import type { LogEntry } from "./log-messages.ts";

/** Where a job's stream tells of its log. */
export interface LogSink {
  readonly write: (entry: LogEntry) => void;
}
