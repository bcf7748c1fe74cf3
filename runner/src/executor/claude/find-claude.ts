import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { ExecutorSettings } from "../executor.ts";

/** The program to run as Claude Code, or one sentence for a person that says why there is none. */
export type ClaudeProgram =
  | { readonly kind: "found"; readonly path: string }
  | { readonly kind: "missing"; readonly problem: string };

/** Looks for Claude Code where the operator says, else in the search path. */
export async function findClaude({ claudePath, searchPath }: ExecutorSettings): Promise<ClaudeProgram> {
  if (claudePath !== undefined) {
    if (await isProgram(claudePath)) return { kind: "found", path: claudePath };
    return { kind: "missing", problem: `CLAUDE_PATH names "${claudePath}", which is not a program that can be run.` };
  }
  for (const directory of searchPath.split(delimiter)) {
    const path = join(directory, "claude");
    if (directory !== "" && (await isProgram(path))) return { kind: "found", path };
  }
  const remedy = "run `npm install -g @anthropic-ai/claude-code` there, or set CLAUDE_PATH";
  return { kind: "missing", problem: `Claude Code is not installed on the runner: ${remedy}.` };
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    // Not there, or not for this user.
    return false;
  }
}
