import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { type AgentPlan, PlanItemState } from "#gen/job/v1/job_event_pb.js";
import { useFollowTail } from "../ui/follow-tail.ts";
import { MarkedText } from "../ui/marked-text.tsx";
import { BlockView } from "./block-view.tsx";
import type { Block, Transcript } from "./transcript.ts";

/** An agent's transcript: its plan on top, what it said and did below, the newest in view. */
export function TranscriptView(props: {
  readonly transcript: Transcript;
  /** Grows when the transcript has; it stays the same object itself. */
  readonly version: number;
  readonly prompt: string;
}) {
  const { transcript, prompt } = props;
  const box = useRef<HTMLElement>(null);
  const tail = useFollowTail(box);
  const draw = useMemo(createDraw, []);
  const seen = useSignal(0);
  return (
    <div class="log">
      {transcript.plan && <Plan plan={transcript.plan} />}
      <section
        ref={box}
        class="transcript"
        role="log"
        aria-live="off"
        aria-label="Transcript"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        tabIndex={0}
        onScroll={() => {
          tail.onScroll();
          if (tail.isFollowing.peek()) seen.value = transcript.blocks.length;
        }}
      >
        <div class="block block-message">
          <p class="prose">
            <MarkedText text={prompt} />
          </p>
        </div>
        {transcript.blocks.map(draw)}
      </section>
      {!tail.isFollowing.value && (
        <button type="button" class="pill" onClick={tail.resume}>
          Paused · {Math.max(0, transcript.blocks.length - seen.value)} new ↓
        </button>
      )}
    </div>
  );
}

/** Draws each block once: one that has not changed keeps its node, and the framework passes over it. */
function createDraw(): (block: Block) => VNode {
  const drawn = new WeakMap<Block, VNode>();
  const draw = (block: Block): VNode => {
    const held = drawn.get(block);
    if (held) return held;
    const node = <BlockView key={block.key} block={block} draw={draw} />;
    drawn.set(block, node);
    return node;
  };
  return draw;
}

const planSigns: Record<PlanItemState, readonly [sign: string, word: string]> = {
  [PlanItemState.UNSPECIFIED]: ["○", "open"],
  [PlanItemState.OPEN]: ["○", "open"],
  [PlanItemState.ACTIVE]: ["▶", "active"],
  [PlanItemState.DONE]: ["✓", "done"],
};

function Plan({ plan }: { readonly plan: AgentPlan }) {
  const done = plan.items.filter((item) => item.state === PlanItemState.DONE).length;
  const active = plan.items.find((item) => item.state === PlanItemState.ACTIVE);
  return (
    <details class="plan">
      <summary>
        Plan {done}/{plan.items.length}
        {active && (
          <span class="plan-now">
            <MarkedText text={active.text} />
          </span>
        )}
      </summary>
      <ol>
        {plan.items.map((item) => {
          const [sign, word] = planSigns[item.state] ?? ["○", "open"];
          return (
            <li key={item.text} class={`plan-${word}`}>
              <span aria-hidden="true">{sign}</span> <MarkedText text={item.text} />
              <span class="visually-hidden">, {word}</span>
            </li>
          );
        })}
      </ol>
    </details>
  );
}
