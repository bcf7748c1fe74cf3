import { readFileSync } from "node:fs";

/** MCP servers by name, each as agents configure it. */
export type McpServers = Readonly<Record<string, object>>;

/** The servers that an operator lets agents use: the file's `mcpServers`. Throws one line that says what is wrong with it. */
export function readMcpServers(path: string): McpServers {
  const { mcpServers } = parseObject(readFileSync(path, "utf8"), "the file");
  const servers = Object.entries(requireObject(mcpServers, "mcpServers"));
  return Object.fromEntries(
    servers.map(([name, server]) => {
      if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(name)) throw new Error(`"${name}" is no name of a server`);
      return [name, requireObject(server, `mcpServers.${name}`)];
    }),
  );
}

function parseObject(text: string, what: string): Record<string, unknown> {
  return requireObject(JSON.parse(text), what);
}

function requireObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error(`${what} is no object`);
}
