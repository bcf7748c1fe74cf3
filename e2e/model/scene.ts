import type { Claude, Line } from "./drive-claude.ts";
import type { Script } from "./script.ts";
import { type Block, type Turn, toolUse } from "./turn.ts";

/** A run of the CLI whose lines are worth keeping. */
export interface Scene {
  readonly script: Script | readonly Turn[];
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Files of the workspace besides those that every scene finds. */
  readonly files: Readonly<Record<string, string>>;
  /** Sent before the prompt. */
  readonly opening: readonly object[];
  readonly onLine: (line: Line, claude: Claude) => void;
}

/** The files that every scene finds in its workspace. */
export const workspaceFiles = { "notes.txt": "one\ntwo\nthree\n" };

/** Flags under which nothing asks. */
export const bypass = ["--permission-prompt-tool", "stdio", "--permission-mode", "bypassPermissions"];

/** Flags under which the CLI asks whoever drives it. */
export const asking = ["--permission-prompt-tool", "stdio", "--permission-mode", "default"];

/** Ends the turn that goes on. */
export const interrupt = { type: "control_request", request_id: "interrupt-1", request: { subtype: "interrupt" } };

/** A scene in which nothing asks and that ends at its first result, unless it says otherwise. */
export function scene(script: Scene["script"], chosen: Partial<Omit<Scene, "script">> = {}): Scene {
  return { script, flags: bypass, environment: {}, files: {}, opening: [], onLine: endAtResult, ...chosen };
}

/** Ends the run at its result. */
export function endAtResult(line: Line, claude: Claude): void {
  if (line.type === "result") claude.end();
}

/** Gives one answer to all that the CLI asks. */
export function decide(decision: object): Scene["onLine"] {
  return (line, claude) => {
    if (line.type === "control_request") claude.send(responseTo(line, decision));
    endAtResult(line, claude);
  };
}

/** The answer to a request of the CLI. */
export function responseTo(line: Line, response: object): object {
  return { type: "control_response", response: { subtype: "success", request_id: line.request_id, response } };
}

/** A prompt, or a message on the way. */
export function userLine(content: string): object {
  return { type: "user", message: { role: "user", content } };
}

/** Sends each prompt at a result, and ends the run at the result of the last. */
export function promptAtResults(prompts: readonly string[]): Scene["onLine"] {
  const left = [...prompts];
  return (line, claude) => {
    if (line.type !== "result") return;
    const next = left.shift();
    if (next === undefined) claude.end();
    else claude.send(userLine(next));
  };
}

/** The type of a line's event of the API's stream. */
export function eventTypeOf(line: Line): string | undefined {
  return (line as { event?: { type?: string } }).event?.type;
}

/** A command for the shell. */
export function bash(command: string): Block {
  return toolUse("Bash", { command, description: "Run a command" });
}
