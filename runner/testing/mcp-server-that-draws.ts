/** An MCP server on standard input and output with one tool, which answers with its argument and a picture. */
import { createInterface } from "node:readline";

/** A PNG of one pixel. */
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

interface Request {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly protocolVersion?: string };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params }: Request = JSON.parse(line);
  if (id === undefined) continue;
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, result: answer(method, params?.protocolVersion) })}\n`);
}

function answer(method: string, protocolVersion = ""): object {
  switch (method) {
    case "initialize":
      return { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "draws", version: "1" } };
    case "tools/list":
      return { tools: [{ name: "draw", description: "Draws", inputSchema: { type: "object", properties: {} } }] };
    case "tools/call":
      return {
        content: [
          { type: "text", text: `A dot for ${process.argv[2]}.` },
          { type: "image", mimeType: "image/png", data: pixel },
        ],
      };
    default:
      return {};
  }
}
