import type { PermissionMode } from "#gen/job/v1/job_pb.js";
import type { AgentAction, AgentEventInit } from "../agent-event.ts";
import { cutText } from "../cut-text.ts";
import type { JsonObject } from "../json-object.ts";
import { ModelMessages } from "./model-messages.ts";
import { limitNotice, retry } from "./rate-limit.ts";
import { SessionState } from "./session-state.ts";
import { SubAgents } from "./sub-agents.ts";
import { toolResult } from "./tool-result.ts";
import { Turns } from "./turns.ts";

/** What a LineTranslator needs. */
export interface LineTranslatorOptions {
  /** The time in ms since 1970. */
  readonly now: () => number;
  /** Hears of the permission mode whenever a line names it, which may be often. */
  readonly onMode: (mode: PermissionMode) => void;
}

/** Turns the lines of one session of Claude Code into events, in order. */
export class LineTranslator {
  readonly #now: () => number;
  readonly #messages = new ModelMessages();
  readonly #session: SessionState;
  readonly subAgents = new SubAgents();
  readonly #turns = new Turns();

  constructor({ now, onMode }: LineTranslatorOptions) {
    this.#now = now;
    this.#session = new SessionState(onMode);
  }

  /** The events of a line: none when other lines say the same, undefined when the line is unknown. */
  translate(line: JsonObject): readonly AgentEventInit[] | undefined {
    const actions = this.#actions(line);
    const parentToolCallId = line.text("parent_tool_use_id");
    return actions?.map((event) => ({ parentToolCallId, event }));
  }

  #actions(line: JsonObject): readonly AgentAction[] | undefined {
    switch (line.text("type")) {
      case "system":
        return this.#system(line);
      case "stream_event":
        return this.#messages.streamed(line.object("event"));
      case "assistant":
        return this.#messages.whole(line.object("message"), line.text("parent_tool_use_id"));
      case "user":
        return toolResults(line.object("message"));
      case "result":
        return [this.#turns.ended(line, this.#messages.count)];
      case "rate_limit_event":
        return limitNotice(line.object("rate_limit_info"));
      // The talk about asks, which events of their own tell, and signs of life.
      case "control_request":
      case "control_cancel_request":
      case "control_response":
      case "command_lifecycle":
      case "keep_alive":
      case "tool_progress":
      case "prompt_suggestion":
        return [];
      default:
        return undefined;
    }
  }

  #system(line: JsonObject): readonly AgentAction[] | undefined {
    switch (line.text("subtype")) {
      case "init":
        return this.#session.begin(line);
      case "status":
        return this.#session.status(line);
      case "api_retry":
        return retry(line, this.#now());
      case "compact_boundary":
        return [compaction(line.object("compact_metadata"))];
      case "hook_started":
      case "hook_progress":
      case "hook_response":
        return [hookRun(line)];
      case "task_started":
        return this.subAgents.started(line);
      case "task_notification":
        return this.subAgents.ended(line);
      // Progress that the agent's own events show, and a denial that the tool's result repeats.
      case "task_progress":
      case "task_updated":
      case "background_tasks_changed":
      case "thinking_tokens":
      case "permission_denied":
      case "session_state_changed":
      case "ui_invalidate":
        return [];
      default:
        return undefined;
    }
  }
}

/** What tools answered. The rest of what the program tells the model in the user's name is nothing the agent did. */
function toolResults(message: JsonObject): readonly AgentAction[] {
  const results = message.objects("content").filter((block) => block.text("type") === "tool_result");
  return results.map(toolResult);
}

function compaction(metadata: JsonObject): AgentAction {
  const value = { trigger: metadata.text("trigger"), tokensBefore: BigInt(metadata.count("pre_tokens")) };
  return { case: "compaction", value };
}

function hookRun(line: JsonObject): AgentAction {
  const exitCode = line.optionalInteger("exit_code");
  const output = line.text("output") || line.text("stdout") + line.text("stderr");
  const value = {
    event: line.text("hook_event"),
    name: line.text("hook_name"),
    ...(exitCode === undefined ? {} : { exitCode }),
    output: cutText(output, maxHookOutputBytes).text,
  };
  return { case: "hook", value };
}

const maxHookOutputBytes = 16 * 1024;
