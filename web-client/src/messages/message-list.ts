import { type Message, MessageState } from "#gen/job/v1/job_event_pb.js";

/** The messages to one job's agent, by id, in the order in which they were first heard of. */
export type MessageList = ReadonlyMap<string, Message>;

/** The list with a message as it was told last. One that left the queue never comes back to it. */
export function withMessage(list: MessageList, message: Message): MessageList {
  const held = list.get(message.id);
  if (held && !isQueued(held)) return list;
  return new Map(list).set(message.id, message);
}

/** The messages that the agent has not taken yet, the oldest first. */
export function queuedMessages(list: MessageList): readonly Message[] {
  return [...list.values()].filter(isQueued);
}

function isQueued({ state }: Message): boolean {
  return state === MessageState.QUEUED;
}
