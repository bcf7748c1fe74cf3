import { type AgentAction, maxTextBytes } from "../agent-event.ts";
import { cutText } from "../cut-text.ts";
import { imageReference } from "../image-reference.ts";
import type { JsonObject } from "../json-object.ts";

/** What a tool answered; its images are carried as references. */
export function toolResult(block: JsonObject): AgentAction {
  const parts = block.objects("content");
  const images = parts.filter(isInlineImage);
  const texts = parts.filter((part) => !isInlineImage(part)).map(partText);
  const answer = parts.length === 0 ? block.text("content") : texts.join("\n");
  return {
    case: "toolResult",
    value: {
      toolCallId: block.text("tool_use_id"),
      ...cutText(answer, maxTextBytes),
      isError: block.flag("is_error"),
      images: images.map((image) => {
        const source = image.object("source");
        return imageReference(source.text("media_type"), source.text("data"));
      }),
    },
  };
}

function isInlineImage(part: JsonObject): boolean {
  return part.text("type") === "image" && part.object("source").text("type") === "base64";
}

/** A part of a kind that has no text of its own is told as JSON. */
function partText(part: JsonObject): string {
  return part.text("type") === "text" ? part.text("text") : JSON.stringify(part);
}
