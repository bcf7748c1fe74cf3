import { PermissionMode } from "#gen/job/v1/job_pb.js";
import type { AgentAction } from "../agent-event.ts";
import type { JsonObject } from "../json-object.ts";
import { parseCliMode } from "./permission-mode.ts";

/** What a session is, told once and again when it changes: each turn begins with the whole description of it. */
export class SessionState {
  #described = "";
  #mode = "";

  /** Reads the line that begins a turn. */
  begin(line: JsonObject): readonly AgentAction[] {
    const mode = line.text("permissionMode");
    const value = {
      sessionId: line.text("session_id"),
      model: line.text("model"),
      agentVersion: line.text("claude_code_version"),
      tools: [...line.texts("tools")],
    };
    const description = JSON.stringify(value);
    if (description === this.#described) return this.#enterMode(mode) ?? [];
    this.#described = description;
    this.#mode = mode;
    return [{ case: "session", value: { ...value, permissionMode: parseCliMode(mode) } }];
  }

  /** Reads a status; undefined when it says what no event carries. */
  status(line: JsonObject): readonly AgentAction[] | undefined {
    if (line.text("compact_result") === "failed") return undefined;
    const mode = line.text("permissionMode");
    return mode === "" ? [] : this.#enterMode(mode);
  }

  #enterMode(name: string): readonly AgentAction[] | undefined {
    if (name === this.#mode) return [];
    this.#mode = name;
    const mode = parseCliMode(name);
    return mode === PermissionMode.UNSPECIFIED ? undefined : [{ case: "permissionModeChanged", value: { mode } }];
  }
}
