import { durationMs } from "@bufbuild/protobuf/wkt";
import type { TurnResult } from "#gen/job/v1/job_event_pb.js";
import { clock } from "../ui/clock.ts";
import { LongText } from "../ui/long-text.tsx";
import { MarkedText } from "../ui/marked-text.tsx";
import { costText, countText, durationText } from "../ui/time-text.ts";
import { layOutInput, summarizeInput } from "./tool-input.ts";
import type { Block } from "./transcript.ts";

/** One block of a transcript. */
export function BlockView({ block }: { readonly block: Block }) {
  const nested = block.isSubAgent ? " is-nested" : "";
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
        <div class={`block block-text${nested}`}>
          <p class="prose">
            <MarkedText text={block.text} />
            {!block.isWhole && <span class="caret" aria-hidden="true" />}
          </p>
        </div>
      );
    case "thinking":
      return (
        <details class={`block block-thinking${nested}`}>
          <summary>{block.isWhole ? "Thought" : "Thinking …"}</summary>
          <p class="prose">
            <MarkedText text={block.text || "The provider keeps this to itself."} />
          </p>
        </details>
      );
    case "tool":
      return <ToolBlock block={block} nested={nested} />;
    case "notice":
      return (
        <p class={`block block-notice is-${block.tone}${nested}`}>
          <MarkedText text={block.text} />
        </p>
      );
    case "message":
      return (
        <div class="block block-message">
          <p class="prose">
            <MarkedText text={block.text} />
          </p>
          <p class="block-author">
            <MarkedText text={block.author} />
          </p>
        </div>
      );
    case "turn":
      return <TurnBlock result={block.result} />;
  }
}

type ToolBlockData = Extract<Block, { kind: "tool" }>;

function ToolBlock({ block, nested }: { readonly block: ToolBlockData; readonly nested: string }) {
  const { call, answer } = block;
  const hasFailed = answer?.result.isError ?? false;
  const [sign, tone, word] = toolWords[toolState(block)];
  return (
    <details class={`block block-tool${nested}`} open={hasFailed}>
      <summary>
        <span class={`glyph tone-${tone}`} aria-hidden="true">
          {sign}
        </span>
        <span class="visually-hidden">{word} </span>
        <strong>
          <MarkedText text={call.tool} />
        </strong>
        <span class="tool-input mono">
          <MarkedText text={summarizeInput(call.inputJson)} />
        </span>
        <span class="tool-time num">
          {answer && durationText(answer.tookMs)}
          {!answer && !block.isAbandoned && <Elapsed sinceMs={block.startMs} />}
        </span>
      </summary>
      <pre class="mono">
        <LongText text={layOutInput(call.inputJson)} />
      </pre>
      {answer && (
        <pre class={`mono tool-answer${hasFailed ? " is-error" : ""}`}>
          <LongText text={answer.result.text} />
          {answer.result.truncated && <span class="mark">… cut here</span>}
        </pre>
      )}
    </details>
  );
}

type ToolState = "running" | "done" | "failed" | "abandoned";

function toolState({ answer, isAbandoned }: ToolBlockData): ToolState {
  if (answer) return answer.result.isError ? "failed" : "done";
  return isAbandoned ? "abandoned" : "running";
}

const toolWords: Record<ToolState, readonly [sign: string, tone: string, word: string]> = {
  running: ["▶", "run", "running"],
  done: ["✓", "ok", "done"],
  failed: ["✗", "bad", "failed"],
  abandoned: ["⊘", "off", "not answered"],
};

function Elapsed({ sinceMs }: { readonly sinceMs: number }) {
  return <>{durationText(clock.value - sinceMs)}</>;
}

function TurnBlock({ result }: { readonly result: TurnResult }) {
  const { usage } = result;
  const facts = [
    `${result.turns} turns`,
    result.duration && durationText(durationMs(result.duration)),
    usage && `${countText(Number(usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens))} in`,
    usage && `${countText(Number(usage.outputTokens))} out`,
    usage && usage.costMicros > 0n && costText(Number(usage.costMicros)),
  ].filter((fact) => typeof fact === "string");
  return (
    <div class={`block block-turn${result.isError ? " is-error" : ""}`}>
      {result.isError && (
        <p class="prose">
          <MarkedText text={result.text || result.kind} />
        </p>
      )}
      <p class="num">
        <span class={`glyph tone-${result.isError ? "bad" : "ok"}`} aria-hidden="true">
          {result.isError ? "✗" : "✓"}
        </span>
        {result.isError ? "Turn failed" : "Turn done"} · {facts.join(" · ")}
      </p>
    </div>
  );
}
