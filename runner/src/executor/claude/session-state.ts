import { PermissionMode } from "#gen/job/v1/job_pb.js";
import type { AgentAction } from "../agent-event.ts";
import type { JsonObject } from "../json-object.ts";
import { parseCliMode } from "./permission-mode.ts";

/** What a session is, told once and again when it changes: each turn begins with the whole description of it. */
export class SessionState {
  readonly #onMode: (mode: PermissionMode) => void;
  #described = "";

  /** `onMode` hears of the permission mode with each line that names one. */
  constructor(onMode: (mode: PermissionMode) => void) {
    this.#onMode = onMode;
  }

  /** Reads the line that begins a turn. */
  begin(line: JsonObject): readonly AgentAction[] {
    const permissionMode = parseCliMode(line.text("permissionMode"));
    if (permissionMode !== PermissionMode.UNSPECIFIED) this.#onMode(permissionMode);
    const value = {
      sessionId: line.text("session_id"),
      model: line.text("model"),
      agentVersion: line.text("claude_code_version"),
      tools: [...line.texts("tools")],
    };
    const description = JSON.stringify(value);
    if (description === this.#described) return [];
    this.#described = description;
    return [{ case: "session", value: { ...value, permissionMode } }];
  }

  /** Reads a status; undefined when it says what no event carries, such as a mode that has no name here. */
  status(line: JsonObject): readonly AgentAction[] | undefined {
    if (line.text("compact_result") === "failed") return undefined;
    const name = line.text("permissionMode");
    if (name === "") return [];
    const mode = parseCliMode(name);
    if (mode === PermissionMode.UNSPECIFIED) return undefined;
    this.#onMode(mode);
    return [];
  }
}
