import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** The plan that Claude Code wrote last, among the files that it keeps of them in its home; empty when there is none. */
export function newestPlan(home: string): string {
  const folder = join(home, ".claude", "plans");
  try {
    const [newest] = readdirSync(folder)
      .filter((name) => name.endsWith(".md"))
      .map((name) => ({ path: join(folder, name), writtenMs: statSync(join(folder, name)).mtimeMs }))
      .toSorted((left, right) => right.writtenMs - left.writtenMs);
    return newest === undefined ? "" : readFileSync(newest.path, "utf8");
  } catch {
    // The agent may have no plans, or do with them what it likes.
    return "";
  }
}
