import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type AgentEvent, type JobEvent, type LogGap, LogStream } from "#gen/job/v1/job_event_pb.js";
import { JobState } from "#gen/job/v1/job_pb.js";
import { isFinal } from "../jobs/job-state.ts";
import type { LogEntry } from "../log/log-messages.ts";
import { summarizeInput } from "../transcript/tool-input.ts";
import { noteFor } from "./event-note.ts";

/** What an event says in the log. */
export function logEntries(event: JobEvent): readonly LogEntry[] {
  const { payload } = event;
  const timeMs = event.time ? timestampMs(event.time) : 0;
  switch (payload.case) {
    case "log": {
      const { stream, firstLine, data } = payload.value;
      return [{ kind: "chunk", isError: stream === LogStream.STDERR, firstLine, timeMs, data }];
    }
    case "logGap": {
      const stream = payload.value.stream === LogStream.STDERR ? "errors" : "output";
      return [
        { kind: "cut", stream },
        { kind: "note", tone: "warn", text: gapText(payload.value), timeMs },
      ];
    }
    case "agent":
      return toolEntries(payload.value, timeMs);
    case "attemptEnded":
      return [{ kind: "cut", stream: "both" }];
    case "stateChanged": {
      const state = payload.value.status?.state ?? JobState.UNSPECIFIED;
      return isFinal(state) ? [{ kind: "end", hasFailed: state !== JobState.SUCCEEDED }] : [];
    }
    default: {
      const note = noteFor(event);
      return note ? [{ kind: "note", ...note, timeMs }] : [];
    }
  }
}

function toolEntries({ event }: AgentEvent, timeMs: number): readonly LogEntry[] {
  if (event.case === "toolCall") {
    const { id, tool, inputJson } = event.value;
    return [{ kind: "toolCall", id, title: `${tool} ${summarizeInput(inputJson)}`.trim(), timeMs }];
  }
  if (event.case !== "toolResult") return [];
  const { toolCallId: id, text, isError: hasFailed } = event.value;
  return [{ kind: "toolResult", id, text, hasFailed, timeMs }];
}

function gapText(gap: LogGap): string {
  const bytes = Number(gap.toOffset - gap.fromOffset).toLocaleString("en");
  const lines = gap.lines > 0 ? `${gap.lines.toLocaleString("en")} lines, ` : "";
  const stream = gap.stream === LogStream.STDERR ? "standard error" : "standard output";
  return `… ${lines}${bytes} bytes of ${stream} not kept by the runner`;
}
