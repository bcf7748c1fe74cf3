import { type AgentAction, maxTextBytes } from "../agent-event.ts";
import { cutText } from "../cut-text.ts";
import { type JsonObject, parseJsonObject } from "../json-object.ts";
import { contentText, toolResult } from "./tool-content.ts";

/** A tool call as a person is asked about it. */
export interface AskedCall {
  readonly id: string;
  readonly tool: string;
  /** The whole input. */
  readonly inputJson: string;
  /** What the agent says the call does; empty when it does not say. */
  readonly title: string;
}

/**
 * The tool calls of a session. Agents describe a call bit by bit: it is told once, when its input is known, and its
 * result once, when it has ended.
 */
export class ToolCalls {
  readonly #open = new Map<string, Call>();
  readonly #over = new Set<string>();

  /** Reads a `tool_call` or `tool_call_update`. */
  described(update: JsonObject): readonly AgentAction[] {
    const id = update.text("toolCallId");
    if (this.#over.has(id)) return [];
    const call = this.#merged(id, update);
    const content = update.objects("content");
    if (content.length > 0) call.content = content;
    if (call.status === "completed" || call.status === "failed")
      return [...this.#told(id, call), this.#end(id, call, update)];
    // A first description often comes before the input does, with some of it or an empty one.
    const isWhole = call.status === "in_progress" || update.text("sessionUpdate") === "tool_call_update";
    return isWhole && !isEmpty(call.input) ? this.#told(id, call) : [];
  }

  /** Reads the call that consent is asked for. */
  asked(toolCall: JsonObject): readonly AgentAction[] {
    const id = toolCall.text("toolCallId");
    return this.#over.has(id) ? [] : this.#told(id, this.#merged(id, toolCall));
  }

  /** What is known of a call. */
  find(id: string): AskedCall {
    const call = this.#open.get(id) ?? emptyCall;
    return { id, tool: call.tool, inputJson: inputJson(call), title: call.title };
  }

  /** Ends the calls that the agent left without a result. */
  endTurn(): readonly AgentAction[] {
    const told = [...this.#open].filter(([, call]) => call.isTold);
    for (const id of this.#open.keys()) this.#over.add(id);
    this.#open.clear();
    const text = "The turn ended before this call did.";
    return told.map(([toolCallId]) => ({ case: "toolResult", value: { toolCallId, text, isError: true } }));
  }

  #merged(id: string, update: JsonObject): Call {
    const call = this.#open.get(id) ?? { ...emptyCall };
    this.#open.set(id, call);
    // The first title is the tool's own name; later ones say what this call does.
    call.tool = update.text("name") || call.tool || update.text("title");
    call.title = update.text("title") || call.title;
    call.status = update.text("status") || call.status;
    const input = update.object("rawInput");
    if (!isEmpty(input)) call.input = input;
    return call;
  }

  #told(id: string, call: Call): readonly AgentAction[] {
    if (call.isTold) return [];
    call.isTold = true;
    const { text, truncated } = cutText(inputJson(call), maxTextBytes);
    return [{ case: "toolCall", value: { id, tool: call.tool, inputJson: text, truncated } }];
  }

  #end(id: string, call: Call, update: JsonObject): AgentAction {
    this.#open.delete(id);
    this.#over.add(id);
    const isError = call.status === "failed";
    return toolResult({ id, isError, content: call.content, update });
  }
}

interface Call {
  tool: string;
  title: string;
  status: string;
  input: JsonObject | undefined;
  content: readonly JsonObject[];
  isTold: boolean;
}

const emptyCall: Call = { tool: "", title: "", status: "", input: undefined, content: [], isTold: false };

/** Some agents show the input as the content of a call while they do not know it whole. */
function inputJson({ input, content, title }: Call): string {
  return JSON.stringify(input ?? parseJsonObject(contentText(content)) ?? { title });
}

function isEmpty(input: JsonObject | undefined): boolean {
  return input === undefined || JSON.stringify(input) === "{}";
}
