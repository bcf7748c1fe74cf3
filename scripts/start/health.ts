import { setTimeout as delay } from "node:timers/promises";

/** Whether a GET is answered with 2xx in time. */
export async function answers(url: string, timeoutMs: number): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    // Refused, cut or late: it does not answer.
    return false;
  }
}

/** Settles when the URL answers. Rejects when `signal` aborts. */
export async function waitForAnswer(url: string, signal: AbortSignal): Promise<void> {
  while (!(await answers(url, 2000))) await delay(50, undefined, { signal });
  signal.throwIfAborted();
}

/** How a part is watched that has come up. Patient, because a machine at full load is slow and not ill. */
export const patience = { intervalMs: 2000, timeoutMs: 10_000, misses: 3 };

/** Settles when the URL has not answered several times in a row. Rejects when `signal` aborts. */
export async function waitForSilence(url: string, signal: AbortSignal): Promise<void> {
  const { intervalMs, timeoutMs, misses } = patience;
  for (let missed = 0; missed < misses; ) {
    await delay(intervalMs, undefined, { signal });
    missed = (await answers(url, timeoutMs)) ? 0 : missed + 1;
  }
}
