/** What a job's events are on a stream of the REST routes. */
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { AskSchema } from "#gen/job/v1/ask_pb.js";
import {
  type AgentEvent,
  AgentEventSchema,
  AttemptEndedSchema,
  EventGapSchema,
  type JobEvent,
  LogGapSchema,
  LogStream,
  LogStreamSchema,
  MessageSchema,
  NetworkEventSchema,
  ProcessEventSchema,
  type StateChanged,
  WorkspaceEventSchema,
} from "#gen/job/v1/job_event_pb.js";
import { JobPhaseSchema } from "#gen/job/v1/job_pb.js";
import type { LinePiece, LogItem } from "#protocol/log-lines.ts";
import { isFinal, statusToJson } from "./job-json.ts";
import { enumToJson, type JsonObject, timeToJson, toJson } from "./json.ts";

/** One event of a stream. Without an id it is not a place to resume from. */
export interface StreamEvent {
  readonly name: string;
  readonly id?: string;
  readonly data: JsonObject;
}

/** An event of a job and the lines of output that it completes, as events of the stream. */
export function jobEventToStream(sequence: number, event: JobEvent, items: readonly LogItem[]): readonly StreamEvent[] {
  const ofLog = items.map((item) => (item.kind === "line" ? lineEvent(item) : gapEvent(item)));
  const own = payloadToStream(sequence, event);
  return own === undefined ? ofLog : [...ofLog, own];
}

/** A line of output as data; also a line of `…/logs` as NDJSON. */
export function lineToJson(line: Omit<LinePiece, "kind" | "sequence" | "headless">): JsonObject {
  const text = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(line.bytes);
  return {
    ts: timeToJson(line.time),
    stream: enumToJson(LogStreamSchema, line.stream),
    line: line.number,
    text: line.partial ? text : `${text}\n`,
    partial: line.partial,
    level: line.stream === LogStream.STDERR ? "error" : "info",
    message: text.endsWith("\r") ? text.slice(0, -1) : text,
  };
}

function lineEvent(line: LinePiece): StreamEvent {
  return { name: "log", data: { seq: line.sequence, ...lineToJson(line) } };
}

function gapEvent({ sequence, time, gap }: Exclude<LogItem, LinePiece>): StreamEvent {
  return { name: "gap", data: { ...stamp(sequence, time), ...toJson(LogGapSchema, gap) } };
}

function payloadToStream(sequence: number, { payload, time }: JobEvent): StreamEvent | undefined {
  const event = (name: string, data: JsonObject): StreamEvent => ({
    name,
    data: { ...stamp(sequence, time), ...data },
  });
  switch (payload.case) {
    case "stateChanged":
      return event(isFinal(payload.value.status?.state) ? "end" : "status", stateToJson(payload.value));
    case "phaseChanged":
      return event("phase", { phase: enumToJson(JobPhaseSchema, payload.value.phase) });
    case "workspace":
      return event("workspace", toJson(WorkspaceEventSchema, payload.value));
    case "process":
      return event("process", toJson(ProcessEventSchema, payload.value));
    case "agent":
      return event(payload.value.event.case === "usage" ? "usage" : "transcript", agentToJson(payload.value));
    case "ask":
      return event("ask", toJson(AskSchema, payload.value));
    case "message":
      return event("message", toJson(MessageSchema, payload.value));
    case "attemptEnded":
      return event("attempt", toJson(AttemptEndedSchema, payload.value));
    case "network":
      return event("network", toJson(NetworkEventSchema, payload.value));
    case "eventGap":
      return event("gap", toJson(EventGapSchema, payload.value));
    // Output has been told line by line; an event newer than this code has no name here.
    case "log":
    case "logGap":
    case undefined:
      return undefined;
  }
}

function stateToJson({ status, placement }: StateChanged): JsonObject {
  const place = placement && { runner: placement.runner, lane: placement.slot, attempt: placement.attempt };
  return { ...statusToJson(status), ...place };
}

/** An agent's event with its kind beside its fields: {"type":"tool_call","tool":"Bash",…}. */
function agentToJson(event: AgentEvent): JsonObject {
  const { parent_tool_call_id: parent, ...rest } = toJson(AgentEventSchema, event);
  const [type = "unknown", fields = {}] = Object.entries(rest)[0] ?? [];
  return { type, parent_tool_call_id: parent ?? "", ...(fields as JsonObject) };
}

function stamp(sequence: number, time: Timestamp | undefined): JsonObject {
  return { seq: sequence, ts: timeToJson(time) };
}
