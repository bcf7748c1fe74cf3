import type { Driven, Line } from "./drive-claude.ts";

const uuid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;
const instant = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;
const measured = /_ms$|DurationMs$|^end_time$|^pid$/;
const firstUuid = "00000000-0000-4000-8000-000000000000";

/** The session of every run that is kept. */
export const scrubbedSessionId = firstUuid;

/** The lines of a run without what differs from machine to machine and from run to run. */
export function scrub({ lines, home, workspace }: Driven): string[] {
  const taskNames = numbered(
    lines.flatMap((line) => taskIdsOf(JSON.parse(line))),
    (count) => `task${count}`,
  );
  const uuidNames = numbered(
    lines.flatMap((line) => line.match(uuid) ?? []).filter((id) => id !== firstUuid),
    (count) => `${firstUuid.slice(0, -12)}${String(count).padStart(12, "0")}`,
  );
  return lines.map((line) => {
    const placed = line
      .replaceAll(workspace, "/workspace")
      .replaceAll(slug(workspace), slug("/workspace"))
      .replaceAll(home, "/home/agent")
      .replaceAll(/claude-\d+\//g, "claude-1000/")
      .replaceAll(/\d+\.sock\b/g, "1.sock")
      .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:80")
      .replaceAll(instant, "2026-01-01T00:00:00.000Z")
      .replaceAll(uuid, (id) => uuidNames.get(id) ?? id);
    const named = [...taskNames].reduce((text, [id, name]) => text.replaceAll(id, name), placed);
    return JSON.stringify(JSON.parse(named, steady));
  });
}

/** A name for each id, in the order of their first appearance. */
function numbered(ids: readonly string[], nameOf: (count: number) => string): Map<string, string> {
  return new Map([...new Set(ids)].map((id, index) => [id, nameOf(index + 1)]));
}

/** Ids that name a task, a run of it, or the agent in it, wherever they are then repeated. */
function taskIdsOf(line: Line): string[] {
  return [line.task_id, line.run_id, line.agent_id].filter((id) => typeof id === "string");
}

/** How the CLI writes a folder as one name. */
function slug(folder: string): string {
  return folder.replaceAll(/[^A-Za-z0-9]/g, "-");
}

/** Times that were measured become 1, as do process ids, and waits whole seconds. */
function steady(key: string, value: unknown): unknown {
  if (key === "harnessSectionHash") return "0000000000000000";
  if (typeof value !== "number") return value;
  if (key === "retry_delay_ms") return Math.ceil(value / 1000) * 1000;
  return measured.test(key) ? 1 : value;
}
