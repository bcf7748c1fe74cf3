import type { AgentAction } from "../agent-event.ts";
import type { JsonObject } from "../json-object.ts";
import { blockDelta, wholeBlock } from "./message-blocks.ts";
import { messageUsage } from "./usage.ts";

/**
 * The model's messages: deltas while they stream, then each block whole, then what the message cost.
 *
 * A message whose stream broke is asked for again under a new id. Deltas of the broken one have been told by then, and no
 * whole block ever follows them.
 */
export class ModelMessages {
  /** The newest message that streams, or did. */
  #streaming: StreamingMessage | undefined;
  /** Of each conversation, by the tool call that began it, the newest message that came without a stream. */
  readonly #unstreamed = new Map<string, { readonly id: string; readonly blocks: number }>();

  /** Reads an event of the API's stream; undefined when it is unknown. */
  streamed(event: JsonObject): readonly AgentAction[] | undefined {
    switch (event.text("type")) {
      case "message_start": {
        const message = event.object("message");
        const usage = [message.object("usage")];
        this.#streaming = { id: message.text("id"), model: message.text("model"), usage, index: 0, isOver: false };
        return [];
      }
      case "content_block_start":
        if (this.#streaming) this.#streaming = { ...this.#streaming, index: event.count("index") };
        return [];
      case "content_block_delta":
        return this.#streaming ? blockDelta(this.#streaming.id, event) : [];
      case "message_delta":
        this.#streaming?.usage.push(event.object("usage"));
        return [];
      case "message_stop":
        return this.#finish();
      case "content_block_stop":
      case "ping":
        return [];
      default:
        return undefined;
    }
  }

  /** Reads blocks that are whole; undefined when one is unknown. Usually a line holds one block. */
  whole(message: JsonObject, parentToolCallId: string): readonly AgentAction[] | undefined {
    const id = message.text("id");
    const blocks = message.objects("content");
    const streamed = this.#streaming?.id === id ? this.#streaming : undefined;
    const before = this.#unstreamed.get(parentToolCallId);
    const known = before?.id === id ? before.blocks : 0;
    const first = streamed?.index ?? known;
    const actions = blocks.map((block, at) => wholeBlock(block, { messageId: id, index: first + at }));
    if (!actions.every((action) => action !== undefined)) return undefined;
    if (streamed) return actions.flat();
    this.#unstreamed.set(parentToolCallId, { id, blocks: known + blocks.length });
    return known === 0 ? [...actions.flat(), ...unstreamedUsage(message)] : actions.flat();
  }

  #finish(): readonly AgentAction[] {
    if (this.#streaming === undefined || this.#streaming.isOver) return [];
    const { id, model, usage } = this.#streaming;
    this.#streaming = { ...this.#streaming, isOver: true };
    return [messageUsage({ messageId: id, model, reports: usage })];
  }
}

interface StreamingMessage {
  readonly id: string;
  readonly model: string;
  /** What the API reported so far. */
  readonly usage: JsonObject[];
  /** Of the block that streams. */
  readonly index: number;
  /** Its usage was told. */
  readonly isOver: boolean;
}

/**
 * A sub-agent's messages come without their stream: only what the API reported at their start is known, which lacks most
 * of the output. A TurnResult counts it.
 */
function unstreamedUsage(message: JsonObject): readonly AgentAction[] {
  const model = message.text("model");
  // What the program says in the model's name, such as an error of the API, costs nothing.
  if (model === "<synthetic>") return [];
  return [messageUsage({ messageId: message.text("id"), model, reports: [message.object("usage")] })];
}
