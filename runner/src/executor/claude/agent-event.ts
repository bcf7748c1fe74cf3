import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AgentEventSchema } from "#gen/job/v1/job_event_pb.js";

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
