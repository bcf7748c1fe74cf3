import { PlanItemState } from "#gen/job/v1/job_event_pb.js";
import { type AgentAction, maxTextBytes } from "../agent-event.ts";
import { cutText } from "../cut-text.ts";
import type { JsonObject } from "../json-object.ts";
import { toolResult } from "./tool-result.ts";

/** Where a block stands. */
export interface BlockPlace {
  readonly messageId: string;
  readonly index: number;
}

/** A piece of a block that is being written; undefined when it is of an unknown kind. */
export function blockDelta(messageId: string, event: JsonObject): readonly AgentAction[] | undefined {
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

/** A block that is whole; undefined when it is of an unknown kind. */
export function wholeBlock(block: JsonObject, place: BlockPlace): readonly AgentAction[] | undefined {
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
