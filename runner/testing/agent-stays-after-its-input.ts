// Speaks the Agent Client Protocol on its standard streams, answers a prompt, and stays when its input ends.
import { Readable, Writable } from "node:stream";
import { agent, ndJsonStream } from "@agentclientprotocol/sdk";

setInterval(() => undefined, 60_000);

agent()
  .onRequest("initialize", () => ({ protocolVersion: 1, agentInfo: { name: "stayer", version: "0.1.0" } }))
  .onRequest("session/new", () => ({ sessionId: "session-1" }))
  .onRequest("session/prompt", async ({ params: { sessionId }, client }) => {
    const content = { type: "text", text: "All said." } as const;
    await client.notify("session/update", { sessionId, update: { sessionUpdate: "agent_message_chunk", content } });
    return { stopReason: "end_turn" };
  })
  .connect(ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>));
