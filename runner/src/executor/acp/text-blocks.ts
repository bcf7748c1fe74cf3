import { type AgentAction, maxTextBytes } from "../agent-event.ts";
import { cutText } from "../cut-text.ts";

/** A piece of what the agent says or thinks. */
export interface TextChunk {
  readonly kind: "text" | "thinking";
  /** Id of the message that it belongs to; empty when the agent gives none. */
  readonly messageId: string;
  readonly text: string;
}

/** Puts what an agent says and thinks together from pieces. A block is over when something else is told. */
export class TextBlocks {
  #turn = 0;
  #open: Block | undefined;
  #place = { messageId: "", nextIndex: 0 };
  #lastText = "";

  /** The newest whole text of this turn. */
  get lastText(): string {
    return this.#lastText;
  }

  /** Adds a piece. */
  add(chunk: TextChunk): readonly AgentAction[] {
    if (chunk.text === "") return [];
    const messageId = chunk.messageId || `turn-${this.#turn}`;
    const goesOn = this.#open?.kind === chunk.kind && this.#open.messageId === messageId;
    const ended = goesOn ? [] : this.close();
    const block = this.#open ?? this.#begin(chunk.kind, messageId);
    const text = cutText(chunk.text, maxTextBytes).text;
    if (block.text.length < maxTextBytes) block.text += text;
    const { index, kind } = block;
    return [...ended, { case: "delta", value: { messageId, index, content: { case: kind, value: text } } }];
  }

  /** The block that was being written, whole. */
  close(): readonly AgentAction[] {
    if (this.#open === undefined) return [];
    const { kind, messageId, index, text: all } = this.#open;
    this.#open = undefined;
    const { text } = cutText(all, maxTextBytes);
    if (kind === "text") this.#lastText = text;
    return [{ case: kind, value: { messageId, index, text } }];
  }

  /** From now on another turn speaks. */
  beginTurn(): void {
    this.#turn += 1;
    this.#lastText = "";
  }

  #begin(kind: TextChunk["kind"], messageId: string): Block {
    const index = this.#place.messageId === messageId ? this.#place.nextIndex : 0;
    this.#place = { messageId, nextIndex: index + 1 };
    this.#open = { kind, messageId, index, text: "" };
    return this.#open;
  }
}

interface Block {
  readonly kind: TextChunk["kind"];
  readonly messageId: string;
  readonly index: number;
  text: string;
}
