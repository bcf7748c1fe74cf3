/** What to do about a part that died: start it again after a while, or leave it be. */
export type Remedy = { readonly kind: "restart"; readonly delayMs: number } | { readonly kind: "give-up" };

/** Deaths within this time count together. */
export const windowMs = 120_000;

const delaysMs = [0, 1000, 2000, 4000, 8000];

/** Decides by the times at which the part died, the newest last. */
export function chooseRemedy(deathsMs: readonly number[]): Remedy {
  const newest = deathsMs.at(-1) ?? 0;
  const count = deathsMs.filter((time) => newest - time < windowMs).length;
  const delayMs = delaysMs[count - 1];
  return delayMs === undefined ? { kind: "give-up" } : { kind: "restart", delayMs };
}
