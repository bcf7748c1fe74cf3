import { type AgentAction, maxTextBytes } from "../agent-event.ts";
import { cutText } from "../cut-text.ts";
import { imageReference } from "../image-reference.ts";
import type { JsonObject } from "../json-object.ts";

/** How a tool call ended. */
export interface ToolEnd {
  readonly id: string;
  readonly isError: boolean;
  /** What the agent shows of it. */
  readonly content: readonly JsonObject[];
  /** The description that ended it, for agents that show nothing. */
  readonly update: JsonObject;
}

/** What a tool answered; its images are carried as references. */
export function toolResult({ id, isError, content, update }: ToolEnd): AgentAction {
  const images = content.map((part) => part.object("content")).filter(isImage);
  const answer = content.length === 0 ? rawOutput(update) : contentText(content);
  return {
    case: "toolResult",
    value: {
      toolCallId: id,
      ...cutText(answer, maxTextBytes),
      isError,
      images: images.map((image) => imageReference(image.text("mimeType"), image.text("data"))),
    },
  };
}

/** The text of what an agent shows of a tool call. A part of a kind that has no text of its own is told as JSON. */
export function contentText(content: readonly JsonObject[]): string {
  return content.flatMap(partText).join("\n");
}

function partText(part: JsonObject): readonly string[] {
  if (part.text("type") !== "content") return [JSON.stringify(part)];
  const block = part.object("content");
  if (isImage(block)) return [];
  return [block.text("type") === "text" ? block.text("text") : JSON.stringify(block)];
}

function isImage(block: JsonObject): boolean {
  return block.text("type") === "image";
}

function rawOutput(update: JsonObject): string {
  const fields = update.object("rawOutput");
  const json = JSON.stringify(fields);
  return update.text("rawOutput") || (json === "{}" ? "" : json);
}
