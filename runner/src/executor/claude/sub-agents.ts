import { SubAgentState } from "#gen/job/v1/job_event_pb.js";
import type { AgentAction } from "../agent-event.ts";
import type { JsonObject } from "../json-object.ts";

/** The sub-agents at work. Other tasks of the program, such as shells in the background, are left out. */
export class SubAgents {
  readonly #byTask = new Map<string, { toolCallId: string; kind: string; description: string }>();

  /** The tool call that began a sub-agent; empty for one that is not at work. */
  toolCallOf(agentId: string): string {
    return this.#byTask.get(agentId)?.toolCallId ?? "";
  }

  started(line: JsonObject): readonly AgentAction[] {
    if (line.text("task_type") !== "local_agent") return [];
    const subAgent = {
      toolCallId: line.text("tool_use_id"),
      kind: line.text("subagent_type"),
      description: line.text("description"),
    };
    this.#byTask.set(line.text("task_id"), subAgent);
    return [{ case: "subAgent", value: { ...subAgent, state: SubAgentState.RUNNING } }];
  }

  ended(line: JsonObject): readonly AgentAction[] {
    const taskId = line.text("task_id");
    const subAgent = this.#byTask.get(taskId);
    if (subAgent === undefined) return [];
    this.#byTask.delete(taskId);
    const state = line.text("status") === "completed" ? SubAgentState.COMPLETED : SubAgentState.FAILED;
    return [{ case: "subAgent", value: { ...subAgent, state } }];
  }
}
