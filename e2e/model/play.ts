import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { type Message, type StreamEvent, toStreamEvents, toWholeMessage } from "./message.ts";
import type { Answer, Disturbance, Refusal, Usage } from "./turn.ts";

/** Tokens a caller was charged for, and whether it heard the end of the answer. */
export interface Served {
  readonly status: number;
  readonly usage: Usage;
  readonly complete: boolean;
}

/** What a caller pays that got no answer. */
export const nothing: Usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };

/** Send an HTTP error in the API's form. */
export function playRefusal(response: ServerResponse, refusal: Refusal): Served {
  const body = { type: "error", error: { type: refusal.errorType, message: refusal.message } };
  response.writeHead(refusal.status, { "content-type": "application/json", ...refusal.headers });
  response.end(JSON.stringify(body));
  return { status: refusal.status, usage: nothing, complete: true };
}

/** Send an answer in one piece. Of the disturbances only a garbled body can befall it. */
export function playWhole(response: ServerResponse, answer: Answer, message: Message): Served {
  const body = JSON.stringify(toWholeMessage(message));
  const garbled = answer.disturbance.kind === "garble";
  response.writeHead(200, { "content-type": "application/json" });
  response.end(garbled ? body.slice(0, body.length / 2) : body);
  return { status: 200, usage: answer.usage, complete: !garbled };
}

/** Stream an answer, at its pace and with its disturbance, until it ends or `signal` says that the caller is gone. */
export async function playStream(
  response: ServerResponse,
  { answer, message, signal }: { answer: Answer; message: Message; signal: AbortSignal },
): Promise<Served> {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
  response.flushHeaders();
  let sent = 0;
  for (const event of toStreamEvents(message)) {
    if (answer.eventGapMs > 0) await delay(answer.eventGapMs);
    const flow = await disturb(response, answer.disturbance, { sent, signal });
    if (signal.aborted || flow === "broken")
      return { status: 200, usage: usageUpTo(sent, answer.usage), complete: false };
    await written(response, frame(event));
    sent += 1;
  }
  response.end();
  return { status: 200, usage: answer.usage, complete: true };
}

async function disturb(
  response: ServerResponse,
  disturbance: Disturbance,
  { sent, signal }: { sent: number; signal: AbortSignal },
): Promise<"whole" | "broken"> {
  if (disturbance.kind === "none" || disturbance.afterEvents !== sent) return "whole";
  switch (disturbance.kind) {
    case "hold":
      await Promise.race([disturbance.until, aborted(signal)]);
      return "whole";
    case "cut":
      await Promise.race([disturbance.until, aborted(signal)]);
      response.destroy();
      return "broken";
    case "garble":
      response.end('event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"del\n\n');
      return "broken";
    case "error":
      response.end(frame({ type: "error", error: { type: disturbance.errorType, message: "the script breaks off" } }));
      return "broken";
  }
}

/** What was charged when the stream broke off: input with the first event, a token of output so far. */
function usageUpTo(sent: number, usage: Usage): Usage {
  return sent === 0 ? nothing : { ...usage, outputTokens: 1 };
}

function frame(event: StreamEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** Resolves when the socket took the text, or is gone. */
function written(response: ServerResponse, text: string): Promise<void> {
  return new Promise((resolve) => response.write(text, () => resolve()));
}

/** Resolves when the signal is, or has been, aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
