import { createHash } from "node:crypto";
import { cutText } from "../cut-text.ts";
import { type AgentAction, maxTextBytes } from "./agent-event.ts";
import type { JsonObject } from "./json-object.ts";

type ToolResult = (AgentAction & { case: "toolResult" })["value"];
type Images = NonNullable<ToolResult["images"]>;

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
      images: images.map((image) => imageReference(image.object("source"))),
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

function imageReference(source: JsonObject): Images[number] {
  const bytes = Buffer.from(source.text("data"), "base64");
  const sha256 = new Uint8Array(createHash("sha256").update(bytes).digest());
  return { mediaType: source.text("media_type"), bytes: BigInt(bytes.length), sha256 };
}
