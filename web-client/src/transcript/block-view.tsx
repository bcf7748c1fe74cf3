import type { VNode } from "preact";
import { type Message, MessageState } from "#gen/job/v1/job_event_pb.js";
import { AskLine } from "../asks/ask-line.tsx";
import { LongText } from "../ui/long-text.tsx";
import { MarkedText } from "../ui/marked-text.tsx";
import { ToolBlock } from "./tool-block.tsx";
import type { Block } from "./transcript.ts";
import { TurnBlock } from "./turn-block.tsx";

/** One block of a transcript; draw makes the blocks inside it. */
export function BlockView({ block, draw }: { readonly block: Block; readonly draw: (inside: Block) => VNode }) {
  switch (block.kind) {
    case "session":
      return (
        <p class="block block-session">
          {block.model}
          {block.version && ` · ${block.version}`}
        </p>
      );
    case "text":
      return (
        <div class="block block-text">
          <p class="prose">
            <MarkedText text={block.text} />
            {!block.isWhole && <span class="caret" aria-hidden="true" />}
          </p>
        </div>
      );
    case "thinking":
      return (
        <details class="block block-thinking">
          <summary>{block.isWhole ? "Thought" : "Thinking …"}</summary>
          <p class="prose">
            <MarkedText text={block.text || "The provider keeps this to itself."} />
          </p>
        </details>
      );
    case "tool":
      return <ToolBlock block={block} draw={draw} />;
    case "notice":
      return (
        <p class={`block block-notice is-${block.tone}`}>
          <MarkedText text={block.text} />
        </p>
      );
    case "message":
      return <MessageBlock message={block.message} />;
    case "ask":
      return <AskLine ask={block.ask} />;
    case "turn":
      return <TurnBlock result={block.result} />;
  }
}

function MessageBlock({ message }: { readonly message: Message }) {
  const isLost = message.state === MessageState.UNDELIVERED;
  return (
    <div class="block block-message">
      <p class="prose">
        <LongText text={message.text} />
      </p>
      <p class={`block-author${isLost ? " is-lost" : ""}`}>
        <MarkedText text={message.author?.id ?? ""} />
        {message.interrupt && " · interrupted the step"}
        {isLost && " · not delivered: the job ended first"}
      </p>
    </div>
  );
}
