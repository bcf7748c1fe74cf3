/** What a stream needs from the browser around it; tests bring their own. */
export interface Surroundings {
  readonly now: () => number;
  readonly random: () => number;
  readonly isOnline: () => boolean;
  /** Runs a function after a time; the returned function takes that back. */
  readonly after: (ms: number, run: () => void) => () => void;
  /** Calls a listener whenever a new attempt is worth it at once; the returned function ends that. */
  readonly onWake: (listener: () => void) => () => void;
}

/** The browser as it is, and a way to wake every waiting stream by hand. */
export function createBrowserSurroundings(): Surroundings & { readonly wake: () => void } {
  const listeners = new Set<() => void>();
  const wake = () => {
    for (const listener of [...listeners]) listener();
  };
  addEventListener("online", wake);
  addEventListener("pageshow", wake);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") wake();
  });
  return {
    now: Date.now,
    random: Math.random,
    isOnline: () => navigator.onLine,
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    onWake: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    wake,
  };
}
