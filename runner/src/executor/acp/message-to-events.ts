import { PlanItemState } from "#gen/job/v1/job_event_pb.js";
import type { PermissionMode } from "#gen/job/v1/job_pb.js";
import type { AgentAction } from "../agent-event.ts";
import { cutText } from "../cut-text.ts";
import type { JsonObject } from "../json-object.ts";
import { modeNamed } from "./permission-modes.ts";
import { TextBlocks, type TextChunk } from "./text-blocks.ts";
import { type AskedCall, ToolCalls } from "./tool-calls.ts";

/** Turns what an agent says of its session into events, in order. */
export class MessageTranslator {
  readonly #blocks = new TextBlocks();
  readonly #calls = new ToolCalls();
  readonly #modeChanged: (mode: PermissionMode) => void;

  constructor(modeChanged: (mode: PermissionMode) => void) {
    this.#modeChanged = modeChanged;
  }

  /** The newest whole text of this turn. */
  get lastText(): string {
    return this.#blocks.lastText;
  }

  /** What is known of a tool call. */
  findCall(id: string): AskedCall {
    return this.#calls.find(id);
  }

  /** The events of a message: none when it says nothing of the session, undefined when it is unknown. */
  translate(message: JsonObject): readonly AgentAction[] | undefined {
    const params = message.object("params");
    switch (message.text("method")) {
      // An answer, and a question that is taken back: both belong to the connection.
      case "":
      case "$/cancel_request":
        return [];
      case "session/update":
        return this.#update(params.object("update"));
      case "session/request_permission":
        return this.#after(this.#calls.asked(params.object("toolCall")));
      default:
        return undefined;
    }
  }

  /** The events that end a turn. */
  endTurn(): readonly AgentAction[] {
    return [...this.#blocks.close(), ...this.#calls.endTurn()];
  }

  /** From now on another turn is told. */
  beginTurn(): void {
    this.#blocks.beginTurn();
  }

  #update(update: JsonObject): readonly AgentAction[] | undefined {
    switch (update.text("sessionUpdate")) {
      case "agent_message_chunk":
        return this.#said("text", update);
      case "agent_thought_chunk":
        return this.#said("thinking", update);
      case "tool_call":
      case "tool_call_update":
        return this.#after(this.#calls.described(update));
      case "plan":
        return this.#after([plan(update)]);
      case "current_mode_update":
        return this.#entered(update.text("currentModeId"));
      // The prompt again, what a person could type, names of things, and tokens, which are counted where they are spent.
      case "user_message_chunk":
      case "available_commands_update":
      case "config_option_update":
      case "session_info_update":
      case "usage_update":
        return [];
      default:
        return undefined;
    }
  }

  #said(kind: TextChunk["kind"], update: JsonObject): readonly AgentAction[] | undefined {
    const content = update.object("content");
    if (content.text("type") !== "text") return undefined;
    return this.#blocks.add({ kind, messageId: update.text("messageId"), text: content.text("text") });
  }

  #entered(modeId: string): readonly AgentAction[] | undefined {
    const mode = modeNamed(modeId);
    if (mode === undefined) return undefined;
    this.#modeChanged(mode);
    return [];
  }

  #after(actions: readonly AgentAction[]): readonly AgentAction[] {
    return [...this.#blocks.close(), ...actions];
  }
}

function plan(update: JsonObject): AgentAction {
  const items = update.objects("entries").map((entry) => ({
    text: cutText(entry.text("content"), maxItemBytes).text,
    state: planItemStates.get(entry.text("status")) ?? PlanItemState.OPEN,
  }));
  return { case: "plan", value: { items } };
}

const maxItemBytes = 4096;

const planItemStates = new Map([
  ["pending", PlanItemState.OPEN],
  ["in_progress", PlanItemState.ACTIVE],
  ["completed", PlanItemState.DONE],
]);
