import type { Check } from "./checklist.ts";
import type { Screen } from "./screen.ts";

/** How long one check may take. A job may have to wait for others that run. */
export const checkTimeoutMs = 30_000;

/** Runs the checks one after the other and shows each with what came back. Returns how many failed. */
export async function runChecklist(checks: readonly Check[], screen: Screen, signal: AbortSignal): Promise<number> {
  let failed = 0;
  for (const [index, { title, run }] of checks.entries()) {
    const lines: string[] = [];
    const name = `${index + 1}. ${title}`;
    try {
      await run((line) => lines.push(line), AbortSignal.any([signal, AbortSignal.timeout(checkTimeoutMs)]));
      screen.passed(name, lines);
    } catch (error) {
      if (signal.aborted) throw error;
      failed += 1;
      screen.failed(name, [...lines, describe(error)]);
    }
  }
  return failed;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no end after ${checkTimeoutMs / 1000} s`;
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
