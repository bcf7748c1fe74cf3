import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AgentDelta, AgentEventSchema } from "#gen/job/v1/job_event_pb.js";

/** A piece of a block that an agent is writing: pieces that come soon after it join it, and all are one event. */
export interface GatheredDelta {
  readonly timeMs: number;
  readonly parentToolCallId: string;
  readonly messageId: string;
  readonly index: number;
  readonly content: Exclude<AgentDelta["content"], { case: undefined }>;
}

/** Reads what an agent did as a piece of a block; undefined when it is something else. */
export function readDelta(agent: MessageInitShape<typeof AgentEventSchema>, timeMs: number): GatheredDelta | undefined {
  if (agent.event?.case !== "delta") return undefined;
  const { messageId = "", index = 0, content } = agent.event.value;
  if (content?.case === undefined) return undefined;
  return { timeMs, parentToolCallId: agent.parentToolCallId ?? "", messageId, index, content };
}

/** Two pieces as one; undefined when they are not of the same block. */
export function joinDeltas(first: GatheredDelta, second: GatheredDelta): GatheredDelta | undefined {
  const isSame =
    first.index === second.index &&
    first.messageId === second.messageId &&
    first.parentToolCallId === second.parentToolCallId &&
    first.content.case === second.content.case;
  return isSame
    ? { ...first, content: { ...first.content, value: first.content.value + second.content.value } }
    : undefined;
}

/** A piece as the payload of an event. */
export function deltaPayload({ parentToolCallId, messageId, index, content }: GatheredDelta) {
  const event = { case: "delta", value: { messageId, index, content } } as const;
  return { case: "agent", value: { parentToolCallId, event } } as const;
}
