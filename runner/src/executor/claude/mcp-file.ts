import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutorSettings } from "../executor.ts";
import { namedFiles } from "../program-files.ts";

/** Writes down how the named MCP servers are reached, for Claude Code alone, in a directory that nobody else may enter; undefined when there are none. */
export function writeMcpFile(
  names: readonly string[],
  { mcpServers = {} }: ExecutorSettings,
  directory: string,
): string | undefined {
  if (names.length === 0) return undefined;
  const path = join(directory, "mcp-servers.json");
  const chosen = Object.fromEntries(names.map((name) => [name, mcpServers[name]]));
  writeFileSync(path, JSON.stringify({ mcpServers: chosen }), { mode: 0o644 });
  return path;
}

/** What the named MCP servers have to be read of: their programs, and the files that their arguments name by absolute paths. */
export function mcpPrograms(
  names: readonly string[],
  { mcpServers = {} }: ExecutorSettings,
): Promise<readonly string[]> {
  return namedFiles(names.flatMap((name) => commandLine(mcpServers[name] ?? {})));
}

function commandLine(server: { readonly command?: unknown; readonly args?: unknown }): readonly string[] {
  const { command, args } = server;
  return [command, ...(Array.isArray(args) ? args : [])].filter((word) => typeof word === "string");
}
