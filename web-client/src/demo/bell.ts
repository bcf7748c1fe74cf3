/** Wakes whoever waits for a change. */
export interface Bell {
  readonly ring: () => void;
  /** Settles at the next ring, after a time, or when the signal aborts. */
  readonly heard: (signal: AbortSignal, ms: number) => Promise<void>;
}

/** A bell that nobody waits at. */
export function createBell(): Bell {
  const waiting = new Set<() => void>();
  return {
    ring: () => {
      for (const wake of [...waiting]) wake();
    },
    heard: (signal, ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => wake(), ms);
        const wake = () => {
          clearTimeout(timer);
          waiting.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        waiting.add(wake);
        signal.addEventListener("abort", wake);
        if (signal.aborted) wake();
      }),
  };
}
