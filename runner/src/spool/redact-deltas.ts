import { StringDecoder } from "node:string_decoder";
import type { AgentDelta, AgentEvent } from "#gen/job/v1/job_event_pb.js";
import type { RedactedStream, Redaction } from "./redact.ts";

/** Part of a block that an agent writes. */
export interface BlockPart {
  readonly parentToolCallId: string;
  readonly messageId: string;
  readonly index: number;
  readonly kind: "text" | "thinking" | "inputJson";
  readonly text: string;
}

/**
 * Hides secrets in the blocks that an agent writes bit by bit. Each block is one text: what a part ends with is kept back
 * while it may be the beginning of a secret.
 */
export class RedactedDeltas {
  readonly #redaction: Redaction;
  readonly #blocks = new Map<string, OpenBlock>();

  constructor(redaction: Redaction) {
    this.#redaction = redaction;
  }

  /** What can be written now; nothing when all of it is kept back. */
  push({ parentToolCallId }: AgentEvent, { messageId, index, content }: AgentDelta): readonly BlockPart[] {
    if (content.case === undefined) return [];
    const key = `${content.case} ${index} ${messageId} ${parentToolCallId}`;
    const block = this.#blocks.get(key) ?? {
      place: { parentToolCallId, messageId, index, kind: content.case },
      stream: this.#redaction.openStream(),
      decoder: new StringDecoder("utf8"),
    };
    this.#blocks.set(key, block);
    return asPart(block, block.decoder.write(block.stream.push(Buffer.from(content.value))));
  }

  /** What was kept back of the blocks that end with an event: it is written before that. */
  endBefore(event: AgentEvent): readonly BlockPart[] {
    return this.#end(({ place }) => isEndOf(place, event));
  }

  /** What was kept back of all blocks. */
  end(): readonly BlockPart[] {
    return this.#end(() => true);
  }

  #end(isOver: (block: OpenBlock) => boolean): readonly BlockPart[] {
    return [...this.#blocks].flatMap(([key, block]) => {
      if (!isOver(block)) return [];
      this.#blocks.delete(key);
      return asPart(block, block.decoder.end(block.stream.end()));
    });
  }
}

interface OpenBlock {
  readonly place: Omit<BlockPart, "text">;
  readonly stream: RedactedStream;
  readonly decoder: StringDecoder;
}

function asPart({ place }: OpenBlock, text: string): readonly BlockPart[] {
  return text === "" ? [] : [{ ...place, text }];
}

/** A block ends as a whole, as a call of a tool, or with the turn that broke it off. */
function isEndOf({ kind, messageId, index, parentToolCallId }: OpenBlock["place"], ended: AgentEvent): boolean {
  const { event } = ended;
  if (parentToolCallId !== ended.parentToolCallId) return false;
  switch (event.case) {
    case "text":
    case "thinking":
      return kind === event.case && messageId === event.value.messageId && index === event.value.index;
    case "toolCall":
      return kind === "inputJson" && messageId === event.value.messageId;
    case "turnResult":
      return true;
    default:
      return false;
  }
}
