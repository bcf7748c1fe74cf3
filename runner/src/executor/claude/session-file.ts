import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Whether Claude Code has kept this session in a HOME: it writes one file a session, below a directory a workspace. */
export function holdsSession(sessionId: string, home: string): boolean {
  const projects = join(home, ".claude/projects");
  if (!existsSync(projects)) return false;
  return readdirSync(projects).some((project) => existsSync(join(projects, project, `${sessionId}.jsonl`)));
}
