import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AgentEventSchema } from "#gen/job/v1/job_event_pb.js";
import type { OutputLine } from "./executor.ts";

/** What an agent did, without who of its sub-agents it was. */
export type AgentAction = NonNullable<MessageInitShape<typeof AgentEventSchema>["event"]>;

/** What an agent did. */
export interface AgentEventInit {
  /** Empty for the main agent. */
  readonly parentToolCallId: string;
  readonly event: AgentAction;
}

/** Most bytes of one text in an event. */
export const maxTextBytes = 256 * 1024;

/** A line of an agent's program that has no other home, kept as it is. */
export function rawLine({ bytes, truncated }: OutputLine): AgentEventInit {
  // A copy: the slice of a Buffer would be none.
  const line = new Uint8Array(bytes.subarray(0, maxRawBytes));
  const event = { case: "raw", value: { line, truncated: truncated || line.length < bytes.length } } as const;
  return { parentToolCallId: "", event };
}

const maxRawBytes = 64 * 1024;
