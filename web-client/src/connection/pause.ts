import type { Surroundings } from "./surroundings.ts";

/** Waits for a time, a wake-up or the abort, whatever comes first; without a time only for the other two. */
export function pause(ms: number | undefined, around: Surroundings, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const undo: (() => void)[] = [];
    const done = () => {
      for (const step of undo) step();
      resolve();
    };
    signal.addEventListener("abort", done);
    undo.push(() => signal.removeEventListener("abort", done), around.onWake(done));
    if (ms !== undefined) undo.push(around.after(ms, done));
  });
}
