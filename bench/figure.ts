import { type Spread, spread } from "./measure.ts";
import type { Bundle } from "./parts/workerd.ts";
import type { Settings } from "./settings.ts";

/** A figure of the benchmark: one question about the real system, with the goals set for it. */
export interface Figure {
  /** Such as "G4". */
  readonly id: string;
  /** What is asked. */
  readonly title: string;
  measure(bench: Bench): Promise<readonly Row[]>;
}

/** What a figure is measured with. */
export interface Bench extends Settings {
  readonly gateway: Bundle;
}

/** One measured value. */
export interface Row {
  readonly what: string;
  readonly value: Spread;
  /** Empty for ratios. */
  readonly unit: Unit;
  readonly goal?: Goal;
}

type Unit = "" | "1/min" | "ms" | "MB/s" | "ms/MB" | "MiB";

/** What a value is to be, judged by its median. */
export interface Goal {
  readonly text: string;
  readonly met: boolean;
}

/** A row of values with a unit. */
export function row(what: string, unit: Unit, values: readonly number[]): Row {
  return { what, unit, value: spread(values) };
}

/** A row of ratios that must not fall below `limit`. */
export function atLeast(limit: number, what: string, values: readonly number[]): Row {
  const value = spread(values);
  return { what, unit: "", value, goal: { text: `≥ ${limit}`, met: value.median >= limit } };
}

/** A row of milliseconds that must not exceed `limit`. */
export function atMostMs(limit: number, what: string, values: readonly number[]): Row {
  return { ...atMost(limit, what, values), unit: "ms" };
}

/** A row of ratios that must not exceed `limit`. */
export function atMost(limit: number, what: string, values: readonly number[]): Row {
  const value = spread(values);
  return { what, unit: "", value, goal: { text: `≤ ${limit}`, met: value.median <= limit } };
}
