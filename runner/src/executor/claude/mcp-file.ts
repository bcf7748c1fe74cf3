import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutorSettings } from "../executor.ts";

/** Writes down how the named MCP servers are reached, for Claude Code alone; undefined when there are none. */
export function writeMcpFile(
  names: readonly string[],
  { mcpServers = {} }: ExecutorSettings,
  directory: string,
): string | undefined {
  if (names.length === 0) return undefined;
  const path = join(directory, "mcp-servers.json");
  const chosen = Object.fromEntries(names.map((name) => [name, mcpServers[name]]));
  writeFileSync(path, JSON.stringify({ mcpServers: chosen }), { mode: 0o600 });
  return path;
}
