import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { AgentDelta, AgentEvent, AgentPlan, ToolCall, ToolResult, TurnResult } from "#gen/job/v1/job_event_pb.js";
import type { Usage } from "#gen/job/v1/job_pb.js";

/** One block of an agent's transcript. A block that changed is a new object, so an old one never needs drawing again. */
export type Block = { readonly key: string; readonly isSubAgent: boolean } & (
  | { readonly kind: "session"; readonly model: string; readonly version: string }
  | { readonly kind: "text" | "thinking"; readonly text: string; readonly isWhole: boolean }
  | {
      readonly kind: "tool";
      readonly call: ToolCall;
      readonly startMs: number;
      /** True when it was called and never answered: the job ended. */
      readonly isAbandoned: boolean;
      readonly answer: ToolAnswer | undefined;
    }
  | { readonly kind: "notice"; readonly tone: "quiet" | "warn"; readonly text: string }
  | { readonly kind: "message"; readonly text: string; readonly author: string }
  | { readonly kind: "turn"; readonly result: TurnResult }
);

interface ToolAnswer {
  readonly result: ToolResult;
  readonly tookMs: number;
}

/** What is common to all blocks of one event. */
interface Origin {
  readonly key: string;
  readonly isSubAgent: boolean;
  readonly timeMs: number;
}

/** What an agent said and did, built from its events in order. */
export class Transcript {
  readonly #blocks: Block[] = [];
  readonly #indexByKey = new Map<string, number>();
  readonly #usageByMessage = new Map<string, Usage>();
  #plan: AgentPlan | undefined;
  #model = "";

  /** The blocks in order. */
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

  /** Tokens in and out, and cost, over all requests seen so far. */
  get usage(): { readonly inputTokens: number; readonly outputTokens: number; readonly costMicros: number } {
    const total = { inputTokens: 0, outputTokens: 0, costMicros: 0 };
    for (const usage of this.#usageByMessage.values()) {
      total.inputTokens += Number(usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens);
      total.outputTokens += Number(usage.outputTokens);
      total.costMicros += Number(usage.costMicros);
    }
    return total;
  }

  /** Takes what the agent did as event number sequence. */
  take({ event, parentToolCallId }: AgentEvent, sequence: number, time: Timestamp | undefined): void {
    const origin = {
      key: `e${sequence}`,
      isSubAgent: parentToolCallId !== "",
      timeMs: time ? timestampMs(time) : 0,
    };
    switch (event.case) {
      case "session":
        this.#model = event.value.model;
        this.#put({ ...base(origin), kind: "session", model: event.value.model, version: event.value.agentVersion });
        break;
      case "delta":
        this.#extend(event.value, origin);
        break;
      case "text":
      case "thinking": {
        const { messageId, index, text } = event.value;
        const { isSubAgent } = origin;
        this.#put({ key: `${messageId}/${index}`, isSubAgent, kind: event.case, text, isWhole: true });
        break;
      }
      case "toolCall": {
        const call = event.value;
        const { isSubAgent, timeMs: startMs } = origin;
        this.#put({ key: call.id, isSubAgent, kind: "tool", call, startMs, isAbandoned: false, answer: undefined });
        break;
      }
      case "toolResult":
        this.#answer(event.value, origin);
        break;
      case "plan":
        this.#plan = event.value;
        break;
      case "usage":
        if (event.value.usage) this.#usageByMessage.set(event.value.messageId, event.value.usage);
        break;
      case "turnResult":
        this.#put({ ...base(origin), kind: "turn", result: event.value });
        break;
      default: {
        const notice = noticeFor(event);
        if (notice) this.#put({ ...base(origin), kind: "notice", ...notice });
      }
    }
  }

  /** Adds a message of a person. */
  takeMessage(id: string, text: string, author: string): void {
    this.#put({ key: id, isSubAgent: false, kind: "message", text, author });
  }

  /** Adds a notice that no agent event stands for. */
  takeNotice(text: string, sequence: number): void {
    this.#put({ key: `e${sequence}`, isSubAgent: false, kind: "notice", tone: "warn", text });
  }

  /** Settles what is still open: nothing more will come. */
  finish(): void {
    for (const block of [...this.#blocks]) {
      if (block.kind === "tool" && !block.answer) this.#put({ ...block, isAbandoned: true });
      if ((block.kind === "text" || block.kind === "thinking") && !block.isWhole)
        this.#put({ ...block, isWhole: true });
    }
  }

  #extend({ messageId, index, content }: AgentDelta, { isSubAgent }: Origin): void {
    if (content.case !== "text" && content.case !== "thinking") return;
    const key = `${messageId}/${index}`;
    const kind = content.case;
    const held = this.#block(key);
    const before = held?.kind === kind ? held : undefined;
    // A delta that comes again after the whole block says nothing new.
    if (before?.isWhole) return;
    this.#put({ key, isSubAgent, kind, text: (before?.text ?? "") + content.value, isWhole: false });
  }

  #answer(result: ToolResult, origin: Origin): void {
    const held = this.#block(result.toolCallId);
    if (held?.kind !== "tool") return;
    this.#put({ ...held, answer: { result, tookMs: Math.max(0, origin.timeMs - held.startMs) } });
  }

  #block(key: string): Block | undefined {
    return this.#blocks[this.#indexByKey.get(key) ?? -1];
  }

  #put(block: Block): void {
    const at = this.#indexByKey.get(block.key) ?? this.#blocks.length;
    this.#indexByKey.set(block.key, at);
    this.#blocks[at] = block;
  }
}

function base({ key, isSubAgent }: Origin): { readonly key: string; readonly isSubAgent: boolean } {
  return { key, isSubAgent };
}

function noticeFor(event: AgentEvent["event"]): { tone: "quiet" | "warn"; text: string } | undefined {
  switch (event.case) {
    case "rateLimit": {
      const which = event.value.kind ? ` (${event.value.kind})` : "";
      return { tone: "warn", text: `The model's provider asks to wait${which}.` };
    }
    case "compaction":
      return { tone: "quiet", text: `The context was summarized (${event.value.tokensBefore} tokens before).` };
    case "hook": {
      const tone = event.value.exitCode ? "warn" : "quiet";
      return { tone, text: `Hook ${event.value.name} ran on ${event.value.event}.` };
    }
    case "raw":
      return { tone: "quiet", text: new TextDecoder().decode(event.value.line) };
    default:
      return undefined;
  }
}
