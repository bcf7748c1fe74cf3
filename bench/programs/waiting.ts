import { readFileSync } from "node:fs";

/** Milliseconds for which this thread, able to run, has waited for a core so far. What others keep busy is not its doing. */
export function waitedForCoreMs(): number {
  const [, nanoseconds] = readFileSync("/proc/thread-self/schedstat", "latin1").split(" ");
  return Number(nanoseconds) / 1e6;
}
