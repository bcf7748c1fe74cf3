import { readFileSync } from "node:fs";
import { secretValues } from "./spool/secret-values.ts";

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

/** What servers are given in variables and headers whose names say that it is secret. */
export function mcpSecrets(servers: McpServers): readonly string[] {
  return Object.values(servers).flatMap((server) => {
    const { env, headers } = server as { readonly env?: unknown; readonly headers?: unknown };
    return [...secretValues(textsOf(env)), ...secretValues(textsOf(headers)).map(credential)];
  });
}

/** Of a header, without the word for its kind. */
function credential(header: string): string {
  return header.replace(/^(bearer|basic|token) /i, "");
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(([, text]) => typeof text === "string"));
}

function parseObject(text: string, what: string): Record<string, unknown> {
  return requireObject(JSON.parse(text), what);
}

function requireObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error(`${what} is no object`);
}
