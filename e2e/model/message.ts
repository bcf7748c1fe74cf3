import type { Answer, Block, Usage } from "./turn.ts";

/** One event of the API's stream. */
export interface StreamEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** An answer made ready for one request: its identity, the model it speaks as, its tool uses numbered. */
export interface Message {
  readonly id: string;
  readonly model: string;
  readonly content: readonly ContentBlock[];
  readonly stopReason: string;
  readonly usage: Usage;
}

type ContentBlock =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string }
  | { readonly type: "tool_use"; readonly id: string; readonly name: string; readonly input: object };

/** Give an answer its identity: `number` counts the messages of one model from 1. */
export function toMessage(answer: Answer, { number, model }: { number: number; model: string }): Message {
  const content = answer.blocks.map((block, index) => toContent(block, `toolu_${number}_${index + 1}`));
  return { id: `msg_${number}`, model, content, stopReason: answer.stopReason, usage: answer.usage };
}

/** The message as the API answers when it was not asked to stream. */
export function toWholeMessage(message: Message): object {
  return {
    ...envelope(message),
    content: message.content,
    stop_reason: message.stopReason,
    usage: { ...startUsage(message.usage), output_tokens: message.usage.outputTokens },
  };
}

/** The message as the API streams it, each text in word-sized pieces. */
export function toStreamEvents(message: Message): StreamEvent[] {
  return [
    { type: "message_start", message: { ...envelope(message), usage: startUsage(message.usage) } },
    { type: "ping" },
    ...message.content.flatMap(blockEvents),
    {
      type: "message_delta",
      delta: { stop_reason: message.stopReason, stop_sequence: null },
      usage: { output_tokens: message.usage.outputTokens },
    },
    { type: "message_stop" },
  ];
}

function toContent(block: Block, nextToolUseId: string): ContentBlock {
  switch (block.kind) {
    case "text":
      return { type: "text", text: block.text };
    case "thinking":
      return { type: "thinking", thinking: block.text, signature: "c2lnbmF0dXJl" };
    case "tool_use":
      return { type: "tool_use", id: block.id ?? nextToolUseId, name: block.name, input: block.input };
  }
}

function blockEvents(block: ContentBlock, index: number): StreamEvent[] {
  const delta = (fields: object): StreamEvent => ({ type: "content_block_delta", index, delta: fields });
  return [
    { type: "content_block_start", index, content_block: emptied(block) },
    ...blockDeltas(block).map(delta),
    { type: "content_block_stop", index },
  ];
}

function blockDeltas(block: ContentBlock): object[] {
  switch (block.type) {
    case "text":
      return pieces(block.text).map((text) => ({ type: "text_delta", text }));
    case "thinking":
      return [
        ...pieces(block.thinking).map((thinking) => ({ type: "thinking_delta", thinking })),
        { type: "signature_delta", signature: block.signature },
      ];
    case "tool_use":
      return pieces(JSON.stringify(block.input)).map((json) => ({ type: "input_json_delta", partial_json: json }));
  }
}

function emptied(block: ContentBlock): object {
  switch (block.type) {
    case "text":
      return { type: "text", text: "" };
    case "thinking":
      return { type: "thinking", thinking: "", signature: "" };
    case "tool_use":
      return { ...block, input: {} };
  }
}

/** Cut at the start of each word, so that the pieces joined are the text again. */
function pieces(text: string): string[] {
  return text.split(/(?<=\s)(?=\S)/);
}

function envelope(message: Message): object {
  return {
    id: message.id,
    type: "message",
    role: "assistant",
    model: message.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
}

function startUsage(usage: Usage): object {
  return {
    input_tokens: usage.inputTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens,
    cache_creation: {
      ephemeral_5m_input_tokens: usage.cacheWriteTokens - (usage.hourCacheWriteTokens ?? 0),
      ephemeral_1h_input_tokens: usage.hourCacheWriteTokens ?? 0,
    },
    cache_read_input_tokens: usage.cacheReadTokens,
    output_tokens: 1,
  };
}
