import type { IncomingHttpHeaders } from "node:http";

/** A call of POST /v1/messages, with what a script may want to look at before it answers. */
export interface ModelRequest {
  /** The session of the CLI that asks; empty for other callers. */
  readonly session: string;
  readonly thread: Thread;
  readonly model: string;
  readonly stream: boolean;
  /** The text of the newest message of the user, reminders of the CLI included. */
  readonly prompt: string;
  readonly toolResults: readonly ToolResult[];
  /** Names of the tools the model may call. */
  readonly tools: readonly string[];
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Who asks: the session's own conversation, one of its sub-agents, or the CLI for itself (a summary, a title, a probe). */
export type Thread =
  | { readonly kind: "main" }
  | { readonly kind: "subagent"; readonly id: string }
  | { readonly kind: "compaction" }
  | { readonly kind: "background" };

/** What a tool gave back, in the newest message of the user. */
export interface ToolResult {
  readonly toolUseId: string;
  readonly isError: boolean;
  readonly content: string;
}

const sessionHeader = "x-claude-code-session-id";

/** Read a request from its body; undefined for one that the API would refuse. */
export function parseModelRequest(body: unknown, headers: IncomingHttpHeaders): ModelRequest | undefined {
  if (!isRecord(body) || typeof body.model !== "string" || !Array.isArray(body.messages)) return undefined;
  const newest = blocksOf(body.messages.findLast((message) => isRecord(message) && message.role === "user"));
  const prompt = newest.map(textOf).join("\n");
  return {
    session: header(headers, sessionHeader),
    thread: threadOf({ headers, prompt, tools: records(body.tools) }),
    model: body.model,
    stream: body.stream === true,
    prompt,
    toolResults: newest.filter((block) => block.type === "tool_result").map(toToolResult),
    tools: records(body.tools).map((tool) => String(tool.name)),
    headers,
    body,
  };
}

/**
 * The CLI marks only its sub-agents. Of the rest, a compaction is the conversation itself with an order to summarize it,
 * and what the CLI asks for itself offers the model none of the agent's tools, the ones with an input schema.
 */
function threadOf(request: {
  headers: IncomingHttpHeaders;
  prompt: string;
  tools: readonly Readonly<Record<string, unknown>>[];
}): Thread {
  const agent = header(request.headers, "x-claude-code-agent-id");
  if (agent !== "") return { kind: "subagent", id: agent };
  if (/Do NOT call any tools\b.*<summary>/s.test(request.prompt)) return { kind: "compaction" };
  const fromCli = header(request.headers, sessionHeader) !== "";
  return fromCli && !request.tools.some((tool) => "input_schema" in tool) ? { kind: "background" } : { kind: "main" };
}

function toToolResult(block: Readonly<Record<string, unknown>>): ToolResult {
  const content = typeof block.content === "string" ? block.content : records(block.content).map(textOf).join("\n");
  return { toolUseId: String(block.tool_use_id), isError: block.is_error === true, content };
}

function blocksOf(message: unknown): Readonly<Record<string, unknown>>[] {
  if (!isRecord(message)) return [];
  return typeof message.content === "string" ? [{ type: "text", text: message.content }] : records(message.content);
}

function textOf(block: Readonly<Record<string, unknown>>): string {
  return typeof block.text === "string" ? block.text : "";
}

function header(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === "string" ? value : "";
}

function records(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
