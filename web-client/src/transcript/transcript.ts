import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Ask } from "#gen/job/v1/ask_pb.js";
import type {
  AgentDelta,
  AgentEvent,
  AgentPlan,
  Message,
  SubAgent,
  ToolCall,
  ToolResult,
  TurnResult,
} from "#gen/job/v1/job_event_pb.js";
import { noticeFor } from "./notice.ts";

/** One block of an agent's transcript. A block that changed is a new object, so an old one never needs drawing again. */
export type Block = {
  readonly key: string;
  /** Id of the tool call inside which a sub-agent did it; empty for the main agent. */
  readonly parentId: string;
} & (
  | { readonly kind: "session"; readonly model: string; readonly version: string }
  | { readonly kind: "text" | "thinking"; readonly text: string; readonly isWhole: boolean }
  | {
      readonly kind: "tool";
      readonly call: ToolCall;
      readonly startMs: number;
      /** True when it was called and never answered: the job ended. */
      readonly isAbandoned: boolean;
      readonly answer: ToolAnswer | undefined;
      /** The sub-agent that works inside the call, if one does. */
      readonly subAgent: SubAgent | undefined;
      /** What it did, in order. The array grows in place; the block around it is a new object each time. */
      readonly inside: readonly Block[];
    }
  | { readonly kind: "notice"; readonly tone: "quiet" | "warn"; readonly text: string }
  | { readonly kind: "message"; readonly message: Message }
  | { readonly kind: "ask"; readonly ask: Ask }
  | { readonly kind: "turn"; readonly result: TurnResult }
);

interface ToolAnswer {
  readonly result: ToolResult;
  readonly tookMs: number;
}

/** What is common to all blocks of one event. */
interface Origin {
  readonly key: string;
  readonly parentId: string;
  readonly timeMs: number;
}

/** What an agent said and did, built from its events in order. */
export class Transcript {
  readonly #blocks: Block[] = [];
  /** The blocks inside each tool call, by its id. */
  readonly #rows = new Map<string, Block[]>();
  readonly #places = new Map<string, { readonly row: Block[]; readonly index: number }>();
  #plan: AgentPlan | undefined;
  #model = "";

  /** The blocks in order; those of sub-agents are inside the calls that began them. */
  get blocks(): readonly Block[] {
    return this.#blocks;
  }

  /** The newest to-do list. */
  get plan(): AgentPlan | undefined {
    return this.#plan;
  }

  /** The model of the session; empty before it began. */
  get model(): string {
    return this.#model;
  }

  /** Takes what the agent did as event number sequence. */
  take({ event, parentToolCallId: parentId }: AgentEvent, sequence: number, time: Timestamp | undefined): void {
    const origin = { key: `e${sequence}`, parentId, timeMs: time ? timestampMs(time) : 0 };
    const common = { key: origin.key, parentId };
    switch (event.case) {
      case "session":
        this.#model = event.value.model;
        this.#put({ ...common, kind: "session", model: event.value.model, version: event.value.agentVersion });
        break;
      case "delta":
        this.#extend(event.value, origin);
        break;
      case "text":
      case "thinking": {
        const { messageId, index, text } = event.value;
        this.#put({ key: `${messageId}/${index}`, parentId, kind: event.case, text, isWhole: true });
        break;
      }
      case "toolCall":
        this.#call(event.value, origin);
        break;
      case "toolResult":
        this.#answer(event.value, origin);
        break;
      case "subAgent": {
        const held = this.#block(event.value.toolCallId);
        if (held?.kind === "tool") this.#put({ ...held, subAgent: event.value });
        break;
      }
      case "plan":
        if (parentId === "") this.#plan = event.value;
        break;
      case "turnResult":
        this.#put({ ...common, kind: "turn", result: event.value });
        break;
      default: {
        const notice = noticeFor(event);
        if (notice) this.#put({ ...common, kind: "notice", ...notice });
      }
    }
  }

  /** Adds a message of a person, where the agent took it. */
  takeMessage(message: Message): void {
    this.#put({ key: message.id, parentId: "", kind: "message", message });
  }

  /** Adds an ask, or how it was closed. */
  takeAsk(ask: Ask): void {
    this.#put({ key: ask.id, parentId: ask.parentToolCallId, kind: "ask", ask });
  }

  /** Adds a notice that no agent event stands for. */
  takeNotice(text: string, sequence: number): void {
    this.#put({ key: `e${sequence}`, parentId: "", kind: "notice", tone: "warn", text });
  }

  /** Settles what is still open: nothing more will come. */
  finish(): void {
    for (const { row, index } of [...this.#places.values()]) {
      const block = row[index];
      if (block?.kind === "tool" && !block.answer) this.#put({ ...block, isAbandoned: true });
      if ((block?.kind === "text" || block?.kind === "thinking") && !block.isWhole) {
        this.#put({ ...block, isWhole: true });
      }
    }
  }

  #call(call: ToolCall, { parentId, timeMs: startMs }: Origin): void {
    const inside: Block[] = [];
    this.#rows.set(call.id, inside);
    const fresh = { startMs, isAbandoned: false, answer: undefined, subAgent: undefined, inside };
    this.#put({ key: call.id, parentId, kind: "tool", call, ...fresh });
  }

  #extend({ messageId, index, content }: AgentDelta, { parentId }: Origin): void {
    if (content.case !== "text" && content.case !== "thinking") return;
    const key = `${messageId}/${index}`;
    const kind = content.case;
    const held = this.#block(key);
    const before = held?.kind === kind ? held : undefined;
    // A delta that comes again after the whole block says nothing new.
    if (before?.isWhole) return;
    this.#put({ key, parentId, kind, text: (before?.text ?? "") + content.value, isWhole: false });
  }

  #answer(result: ToolResult, { timeMs }: Origin): void {
    const held = this.#block(result.toolCallId);
    if (held?.kind !== "tool") return;
    this.#put({ ...held, answer: { result, tookMs: Math.max(0, timeMs - held.startMs) } });
  }

  #block(key: string): Block | undefined {
    const place = this.#places.get(key);
    return place?.row[place.index];
  }

  /** Puts a block in its place, a new one at the end of its parent's; every call around it becomes a new object. */
  #put(block: Block): void {
    // Beside the others when the call around it is not known.
    const row = this.#rows.get(block.parentId) ?? this.#blocks;
    const place = this.#places.get(block.key) ?? { row, index: row.length };
    this.#places.set(block.key, place);
    place.row[place.index] = block;
    const around = this.#block(block.parentId);
    if (around?.kind === "tool") this.#put({ ...around });
  }
}
