import type { VNode } from "preact";
import { SubAgentState } from "#gen/job/v1/job_event_pb.js";
import { LazyTerminalText } from "../log/lazy-terminal-text.tsx";
import { clock } from "../ui/clock.ts";
import { LongText } from "../ui/long-text.tsx";
import { MarkedText } from "../ui/marked-text.tsx";
import { durationText } from "../ui/time-text.ts";
import { layOutInput, summarizeInput } from "./tool-input.ts";
import type { Block } from "./transcript.ts";

type ToolBlockData = Extract<Block, { kind: "tool" }>;

/** A tool call in one row that opens to its input, its answer, and what a sub-agent did inside it. */
export function ToolBlock({ block, draw }: { readonly block: ToolBlockData; readonly draw: (inside: Block) => VNode }) {
  const { call, answer } = block;
  const hasFailed = answer?.result.isError ?? false;
  const [sign, tone, word] = toolWords[toolState(block)];
  return (
    <div class="block block-tool">
      <details open={hasFailed}>
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
            <LazyTerminalText text={answer.result.text} />
            {answer.result.truncated && <span class="mark">… cut here</span>}
          </pre>
        )}
      </details>
      {(block.subAgent || block.inside.length > 0) && <SubAgentBlock block={block} draw={draw} />}
    </div>
  );
}

function SubAgentBlock({ block, draw }: { readonly block: ToolBlockData; readonly draw: (inside: Block) => VNode }) {
  const { subAgent, inside } = block;
  const steps = inside.filter(({ kind }) => kind === "tool").length;
  return (
    <details class="sub-agent">
      <summary>
        <span>
          Sub-agent
          {subAgent && <MarkedText text={` ${[subAgent.kind, subAgent.description].filter(Boolean).join(": ")}`} />}
        </span>
        <span class="tool-time num">
          {subAgentWords[subAgent?.state ?? SubAgentState.UNSPECIFIED]}
          {steps} {steps === 1 ? "tool call" : "tool calls"}
        </span>
      </summary>
      <div class="sub-agent-blocks">{inside.map(draw)}</div>
    </details>
  );
}

const subAgentWords: Record<SubAgentState, string> = {
  [SubAgentState.UNSPECIFIED]: "",
  [SubAgentState.RUNNING]: "at work · ",
  [SubAgentState.COMPLETED]: "done · ",
  [SubAgentState.FAILED]: "failed · ",
};

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
