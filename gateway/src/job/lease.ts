/** How long the gateway trusts a runner it does not hear from. */
export interface Lease {
  /** After this silence the Job is shown as suspect. */
  readonly suspectAfterMs: number;
  /** After this silence an open stream is given up and opened anew; a runner sends a heartbeat every 10 s. */
  readonly silenceMs: number;
  /** After this silence an attempt counts as lost. */
  readonly lostAfterMs: number;
  /** While a runner may have got a StartJob that it never answered, no other runner gets the Job for so long. */
  readonly boundMs: number;
}

/** The lease of every attempt. */
export const lease: Lease = { suspectAfterMs: 15_000, silenceMs: 25_000, lostAfterMs: 300_000, boundMs: 300_000 };

/** Wait before the n-th retry, from 0: doubling from 250 ms to 10 s, with full jitter in its upper half. */
export function backoffMs(retry: number): number {
  const ceiling = Math.min(10_000, 250 * 2 ** Math.min(retry, 6));
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}
