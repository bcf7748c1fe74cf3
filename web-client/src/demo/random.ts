/** Chance that comes out the same for the same seed. */
export interface Chance {
  /** A number from 0 up to 1. */
  readonly next: () => number;
  /** A whole number, both ends included. */
  readonly between: (low: number, high: number) => number;
  readonly pick: <T>(from: readonly [T, ...T[]]) => T;
  /** An id as the gateway makes them: "job_" and 16 characters. */
  readonly id: (prefix: string) => string;
}

const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";

/** Chance from a seed, by mulberry32. */
export function createChance(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    between,
    pick: (from) => from[between(0, from.length - 1)] ?? from[0],
    id: (prefix) => prefix + Array.from({ length: 16 }, () => alphabet[between(0, 35)]).join(""),
  };
}
