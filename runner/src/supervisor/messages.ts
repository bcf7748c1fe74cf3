import { create } from "@bufbuild/protobuf";
import { type Message, MessageSchema, MessageState } from "#gen/job/v1/job_event_pb.js";
import type { EventPayload, MessageQueue } from "../executor/executor.ts";

/** How a message was received. */
export type MessageReceipt =
  /** As it stands now. */
  | { readonly kind: "accepted"; readonly message: Message }
  /** The agent has it. */
  | { readonly kind: "consumed" }
  /** The agent takes no more. */
  | { readonly kind: "ended" };

/** Who hears of messages. */
export interface MessagesOptions {
  readonly emit: (payload: EventPayload) => void;
  /** Called with each new message once it is queued. */
  readonly onQueued: (message: Message) => void;
}

/**
 * What people tell an agent while it works. A message waits here until the agent takes it, and can be changed or withdrawn
 * as long; each of its states is written once.
 */
export class Messages implements MessageQueue {
  readonly #options: MessagesOptions;
  /** All of the attempt in the order in which they came first. */
  readonly #messages = new Map<string, Message>();
  #isOver = false;

  constructor(options: MessagesOptions) {
    this.#options = options;
  }

  /** Queues a message, changes one that is queued, or takes it back. The same again changes nothing. */
  receive(wanted: Message): MessageReceipt {
    const held = this.#messages.get(wanted.id);
    const isSame = held?.text === wanted.text && wanted.state === MessageState.QUEUED;
    if (held !== undefined && (isSame || isFinal(held))) {
      const isTooLate = held.state === MessageState.CONSUMED && !isSame;
      return isTooLate ? { kind: "consumed" } : { kind: "accepted", message: held };
    }
    if (this.#isOver) return { kind: "ended" };
    const isWithdrawn = wanted.state === MessageState.WITHDRAWN;
    const state = isWithdrawn ? MessageState.WITHDRAWN : MessageState.QUEUED;
    const message = this.#store({ ...(isWithdrawn ? (held ?? wanted) : wanted), state });
    if (held === undefined && !isWithdrawn) this.#options.onQueued(message);
    return { kind: "accepted", message };
  }

  get isEmpty(): boolean {
    return this.#queued.length === 0;
  }

  take(): readonly Message[] {
    return this.#queued.map((message) => this.#store({ ...message, state: MessageState.CONSUMED }));
  }

  close(): void {
    this.#isOver = true;
    for (const message of this.#queued) this.#store({ ...message, state: MessageState.UNDELIVERED });
  }

  get #queued(): readonly Message[] {
    return [...this.#messages.values()].filter((message) => !isFinal(message));
  }

  #store(fields: Message): Message {
    const message = create(MessageSchema, fields);
    this.#messages.set(message.id, message);
    this.#options.emit({ case: "message", value: message });
    return message;
  }
}

function isFinal({ state }: Message): boolean {
  return state !== MessageState.QUEUED;
}
