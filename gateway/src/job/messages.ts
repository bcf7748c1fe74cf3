/** The messages of people to one Job's agent, until the agent has them. */
import { type Message, MessageState } from "#gen/job/v1/job_event_pb.js";
import { type Answer, keyReused } from "../answer.ts";
import { messageConsumed, messageNotFound, tooManyMessages } from "./message-refusals.ts";
import type { KnownMessage, MessageStore } from "./message-store.ts";

/** Messages that can be queued at once … */
const maxQueued = 100;
/** … and characters in them. */
const maxQueuedLength = 4 * 1024 * 1024;

/** Changes are kept in memory until `save`, which belongs into the transaction that stores the events behind them. */
export class Messages {
  readonly #store: MessageStore;
  /** Those that are queued or not stored yet. */
  readonly #unsettled: Map<string, KnownMessage>;
  readonly #unsaved = new Set<string>();

  constructor(store: MessageStore) {
    this.#store = store;
    this.#unsettled = new Map(store.queued().map((known) => [known.message.id, known]));
  }

  /** Those that the runner does not have yet, in the order in which they were sent. */
  get undelivered(): readonly Message[] {
    return this.#queued().flatMap(({ message, isTaken }) => (isTaken ? [] : [message]));
  }

  /** What the same request was answered before; undefined when it is new. */
  sent(id: string, requestDigest: string): Answer<Message> | undefined {
    const known = this.#find(id);
    if (known === undefined) return undefined;
    return known.requestDigest === requestDigest ? { ok: known.message } : { refused: keyReused("another request") };
  }

  /** Takes a new message, unless too many wait. */
  send(message: Message, requestDigest: string): Answer<Message> {
    const queued = this.#queued();
    const length = queued.reduce((sum, { message: { text } }) => sum + text.length, message.text.length);
    if (queued.length >= maxQueued) return { refused: tooManyMessages(`${maxQueued} messages`) };
    if (length > maxQueuedLength) return { refused: tooManyMessages(`messages of ${maxQueuedLength} characters`) };
    this.#put({ message, requestDigest, isTaken: false });
    return { ok: message };
  }

  /** The message while the agent does not have it. */
  queued(id: string): Answer<Message> {
    const known = this.#find(id);
    if (known === undefined) return { refused: messageNotFound(id) };
    if (known.message.state !== MessageState.QUEUED) return { refused: messageConsumed(known.message) };
    return { ok: known.message };
  }

  /** Replaces a message that no runner has. */
  change(message: Message): void {
    this.#put({ requestDigest: "", isTaken: false, ...this.#find(message.id), message });
  }

  /** Takes what the runner says of a message. */
  take(message: Message): void {
    this.#put({ requestDigest: this.#find(message.id)?.requestDigest ?? "", message, isTaken: true });
  }

  /** Closes those that the agent will never have, and answers with them. */
  endAll(): readonly Message[] {
    const left = this.#queued().map(({ message }) => ({ ...message, state: MessageState.UNDELIVERED }));
    for (const message of left) this.take(message);
    return left;
  }

  /** Stores what changed. */
  save(): void {
    for (const id of this.#unsaved) {
      const known = this.#unsettled.get(id);
      if (known === undefined) continue;
      this.#store.save(known);
      if (known.message.state !== MessageState.QUEUED) this.#unsettled.delete(id);
    }
    this.#unsaved.clear();
  }

  #put(known: KnownMessage): void {
    this.#unsettled.set(known.message.id, known);
    this.#unsaved.add(known.message.id);
  }

  #find(id: string): KnownMessage | undefined {
    return this.#unsettled.get(id) ?? this.#store.find(id);
  }

  #queued(): readonly KnownMessage[] {
    return [...this.#unsettled.values()].filter(({ message }) => message.state === MessageState.QUEUED);
  }
}
