import type { IncomingMessage } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import type { PatientAnswer } from "./patient-answer.ts";

/** How an answer is passed on. */
export interface PassOptions {
  /** Reads along. */
  readonly take: (bytes: Uint8Array) => void;
  /** What comes sooner than this after what came before is in quick succession, and goes on so far apart. */
  readonly gapMs: number;
  readonly signal: AbortSignal;
}

/**
 * Passes an answer on as it comes, and what comes in quick succession together: to be handed word by word costs agent and
 * proxy more than the words. Says whether the answer came to its end.
 */
export async function passOn(
  upstream: IncomingMessage,
  answer: Pick<PatientAnswer, "write">,
  { take, gapMs, signal }: PassOptions,
): Promise<"whole" | "cut"> {
  let passedAt = Number.NEGATIVE_INFINITY;
  try {
    for await (const bytes of upstream as AsyncIterable<Uint8Array>) {
      take(bytes);
      await answer.write(bytes, signal);
      const isQuick = performance.now() - passedAt < gapMs;
      if (isQuick && !upstream.complete) await wait(gapMs, undefined, { signal });
      passedAt = performance.now();
    }
    return "whole";
  } catch (error) {
    const rest: Uint8Array | null = upstream.read();
    if (rest !== null) take(rest);
    // The provider broke off, or the agent left: what was reported counts all the same.
    if (signal.aborted || upstream.errored !== null) return "cut";
    throw error;
  }
}
