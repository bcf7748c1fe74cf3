import type { AgentAction } from "../agent-event.ts";
import type { JsonObject } from "../json-object.ts";
import { blockDelta, wholeBlock } from "./message-blocks.ts";

/**
 * The model's messages: deltas while they stream, then each block whole. What they cost is known where they are
 * asked for.
 *
 * A message whose stream broke is asked for again under a new id. Deltas of the broken one have been told by then, and no
 * whole block ever follows them.
 */
export class ModelMessages {
  /** The newest message that streams, or did. */
  #streaming: StreamingMessage | undefined;
  /** Of each conversation, by the tool call that began it, the newest message that came without a stream. */
  readonly #unstreamed = new Map<string, { readonly id: string; readonly blocks: number }>();
  #count = 0;

  /** How many there were so far. */
  get count(): number {
    return this.#count;
  }

  /** Reads an event of the API's stream; undefined when it is unknown. */
  streamed(event: JsonObject): readonly AgentAction[] | undefined {
    switch (event.text("type")) {
      case "message_start": {
        this.#streaming = { id: event.object("message").text("id"), index: 0 };
        this.#count += 1;
        return [];
      }
      case "content_block_start":
        if (this.#streaming) this.#streaming = { ...this.#streaming, index: event.count("index") };
        return [];
      case "content_block_delta":
        return this.#streaming ? blockDelta(this.#streaming.id, event) : [];
      case "message_delta":
      case "message_stop":
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
    // What the program says in the model's name, such as an error of the API, is no message of it.
    if (known === 0 && message.text("model") !== "<synthetic>") this.#count += 1;
    return actions.flat();
  }
}

interface StreamingMessage {
  readonly id: string;
  /** Of the block that streams. */
  readonly index: number;
}
