import type { Surroundings } from "./surroundings.ts";

/** Surroundings for tests whose time only moves by hand. */
export interface HandClock {
  readonly around: Surroundings;
  readonly advance: (ms: number) => void;
  readonly wake: () => void;
  /** How long each timer still waits. */
  readonly waiting: () => readonly number[];
  /** Resolves once a timer of exactly that length waits. */
  readonly untilWaiting: (ms: number) => Promise<void>;
  /** Resolves with the first thing found. */
  readonly until: <T>(find: () => T | undefined) => Promise<T>;
}

/** A clock that stands at 0. */
export function createHandClock({ random = () => 1 }: { readonly random?: () => number } = {}): HandClock {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  const listeners = new Set<() => void>();
  const waiting = () => [...timers].map((timer) => timer.at - now);
  const until = async <T>(find: () => T | undefined): Promise<T> => {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve));
    }
  };
  return {
    around: {
      now: () => now,
      random,
      isOnline: () => true,
      after: (ms, run) => {
        const timer = { at: now + ms, run };
        timers.add(timer);
        return () => timers.delete(timer);
      },
      onWake: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    advance: (ms) => {
      now += ms;
      for (const timer of [...timers].filter(({ at }) => at <= now)) {
        timers.delete(timer);
        timer.run();
      }
    },
    wake: () => {
      for (const listener of [...listeners]) listener();
    },
    waiting,
    until,
    untilWaiting: async (ms) => {
      await until(() => waiting().find((left) => left === ms));
    },
  };
}
