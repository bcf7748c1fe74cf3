import { PlanItemState } from "#gen/job/v1/job_event_pb.js";
import { type AgentAction, maxTextBytes } from "./agent-event.ts";
import { cutText } from "./cut-text.ts";
import type { JsonObject } from "./json-object.ts";
import { toolResult } from "./tool-result.ts";
import { messageUsage } from "./usage.ts";

/**
 * The model's messages: deltas while they stream, then each block whole, then what the message cost.
 *
 * A message whose stream broke is asked for again under a new id. Deltas of the broken one have been told by then, and no
 * whole block ever follows them.
 */
export class ModelMessages {
  #streaming: StreamingMessage | undefined;
  /** Of each conversation, by the tool call that began it, the newest message that came without a stream. */
  readonly #unstreamed = new Map<string, { readonly id: string; readonly blocks: number }>();

  /** Reads an event of the API's stream; undefined when it is unknown. */
  streamed(event: JsonObject): readonly AgentAction[] | undefined {
    switch (event.text("type")) {
      case "message_start": {
        const message = event.object("message");
        const usage = [message.object("usage")];
        this.#streaming = { id: message.text("id"), model: message.text("model"), usage, index: 0 };
        return [];
      }
      case "content_block_start":
        if (this.#streaming) this.#streaming = { ...this.#streaming, index: event.count("index") };
        return [];
      case "content_block_delta":
        return this.#streaming ? delta(this.#streaming.id, event) : [];
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
    if (this.#streaming === undefined) return [];
    const { id, model, usage } = this.#streaming;
    this.#streaming = undefined;
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
}

interface BlockPlace {
  readonly messageId: string;
  readonly index: number;
}

function delta(messageId: string, event: JsonObject): readonly AgentAction[] | undefined {
  const place = { messageId, index: event.count("index") };
  const piece = event.object("delta");
  switch (piece.text("type")) {
    case "text_delta":
      return [{ case: "delta", value: { ...place, content: { case: "text", value: piece.text("text") } } }];
    case "thinking_delta":
      return [{ case: "delta", value: { ...place, content: { case: "thinking", value: piece.text("thinking") } } }];
    case "input_json_delta":
      return [
        { case: "delta", value: { ...place, content: { case: "inputJson", value: piece.text("partial_json") } } },
      ];
    case "signature_delta":
    case "citations_delta":
      return [];
    default:
      return undefined;
  }
}

function wholeBlock(block: JsonObject, place: BlockPlace): readonly AgentAction[] | undefined {
  const type = block.text("type");
  switch (type) {
    case "text":
      return [{ case: "text", value: { ...place, text: cutText(block.text("text"), maxBlockBytes).text } }];
    case "thinking":
      return [{ case: "thinking", value: { ...place, text: cutText(block.text("thinking"), maxBlockBytes).text } }];
    case "redacted_thinking":
      return [{ case: "thinking", value: place }];
    case "tool_use":
    case "server_tool_use":
    case "mcp_tool_use":
      return [toolCall(block, place), ...plan(block)];
    default:
      return type.endsWith("_tool_result") ? [toolResult(block)] : undefined;
  }
}

// More than models write in one block, and little enough for a batch.
const maxBlockBytes = 512 * 1024;

function toolCall(block: JsonObject, { messageId }: BlockPlace): AgentAction {
  const { text: inputJson, truncated } = cutText(JSON.stringify(block.object("input")), maxTextBytes);
  return {
    case: "toolCall",
    value: { id: block.text("id"), tool: block.text("name"), inputJson, truncated, messageId },
  };
}

/** The to-do list, which its tool is given whole with each call. */
function plan(block: JsonObject): readonly AgentAction[] {
  if (block.text("name") !== "TodoWrite") return [];
  const items = block.object("input").objects("todos");
  const toItem = (item: JsonObject) => ({
    text: item.text("content"),
    state: planItemStates.get(item.text("status")) ?? PlanItemState.OPEN,
  });
  return [{ case: "plan", value: { items: items.map(toItem) } }];
}

const planItemStates = new Map([
  ["pending", PlanItemState.OPEN],
  ["in_progress", PlanItemState.ACTIVE],
  ["completed", PlanItemState.DONE],
]);

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
