import { DigestReader } from "./readers.ts";
import type { Route } from "./route.ts";

/** Output to be received, whole and unchanged. */
export interface ExpectedOutput {
  readonly bytes: number;
  readonly sha256: string;
}

/** How fast output came, and what that cost. */
export interface OutputSample {
  /** Megabytes a second, from the request to the end. */
  readonly rate: number;
  /** Milliseconds of CPU a megabyte, by part. */
  readonly costs: Readonly<Record<string, number>>;
}

/** Takes a program's output over a route. Throws when it is not what was expected. */
export async function measureOutput(route: Route, { bytes, sha256 }: ExpectedOutput): Promise<OutputSample> {
  const reader = new DigestReader();
  const before = cpuOf(route);
  const startMs = performance.now();
  await route.run((data) => reader.take(data));
  const elapsedMs = performance.now() - startMs;
  const after = cpuOf(route);
  reader.expect(sha256);
  const costs = Object.entries(after).map(([part, ms]) => [part, (ms - (before[part] ?? 0)) / (bytes / 1e6)]);
  return { rate: bytes / 1000 / elapsedMs, costs: Object.fromEntries(costs) };
}

function cpuOf(route: Route): Readonly<Record<string, number>> {
  const { user, system } = process.cpuUsage();
  return { ...route.cpuMs(), client: (user + system) / 1000 };
}
