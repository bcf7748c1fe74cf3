/** The log's own thread: it parses, indexes and searches, so that the page only draws what is seen. */
import type { ToWorker } from "../log-messages.ts";
import { storeLimits } from "./line-store.ts";
import { LogDesk } from "./log-desk.ts";

// Heard after what is waiting already, and without the pauses that a timer has.
const turns = new MessageChannel();
const waiting: (() => void)[] = [];
turns.port1.onmessage = () => waiting.shift()?.();

const desk = new LogDesk({
  post: (message) => postMessage(message),
  soon: (work) => {
    waiting.push(work);
    turns.port2.postMessage(undefined);
  },
  expression: async ({ text, matchCase }) => {
    const { matchExpression } = await import("#protocol/expression-match.ts");
    return matchExpression(text, { matchCase });
  },
  limits: storeLimits,
});

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => desk.hear(data));
