import { EndCause } from "#gen/job/v1/job_pb.js";
import { type ExecutorSettings, Unstartable } from "../executor.ts";
import { findProgram } from "../find-program.ts";
import { type ProgramFiles, programFiles } from "../program-files.ts";

/** The program to run as Claude Code, or one sentence for a person that says why there is none. */
export type ClaudeProgram =
  | { readonly kind: "found"; readonly path: string }
  | { readonly kind: "missing"; readonly problem: string };

/** Looks for Claude Code where the operator says, else in the search path. */
export async function findClaude({ claudePath, searchPath }: ExecutorSettings): Promise<ClaudeProgram> {
  const path = await findProgram(claudePath ?? "claude", searchPath);
  if (path !== undefined) return { kind: "found", path };
  if (claudePath !== undefined) {
    return { kind: "missing", problem: `CLAUDE_PATH names "${claudePath}", which is not a program that can be run.` };
  }
  const remedy = "run `npm install -g @anthropic-ai/claude-code` there, or set CLAUDE_PATH";
  return { kind: "missing", problem: `Claude Code is not installed on the runner: ${remedy}.` };
}

/** The program to run as Claude Code; throws Unstartable when there is none. */
export async function requireClaude(settings: ExecutorSettings): Promise<ProgramFiles> {
  const program = await findClaude(settings);
  if (program.kind === "found") return programFiles(program.path);
  throw new Unstartable({ cause: EndCause.AGENT_NOT_INSTALLED, message: program.problem });
}
