/** A content that no Job names is forgotten so long after it was uploaded, or named by a new Job. */
export const keepMs = 24 * 3_600_000;

/** What is known of the use of a content. */
export interface ContentUse {
  /** When it was last uploaded or named by a new Job. */
  touchedMs(): number;
  /** Some Job that names it, which may have been deleted since. */
  someJob(): string | undefined;
  removeJob(id: string): void;
  deleteAll(): Promise<void>;
}

/** Forgets a content that is old and that no Job names any more; otherwise answers when to look again. */
export async function forgetUnused(
  use: ContentUse,
  { nowMs, exists }: { readonly nowMs: number; readonly exists: (jobId: string) => Promise<boolean> },
): Promise<number | undefined> {
  const dueMs = use.touchedMs() + keepMs;
  if (dueMs > nowMs) return dueMs;
  for (let id = use.someJob(); id !== undefined; id = use.someJob()) {
    // One is enough: the others are asked once it is gone.
    if (await exists(id)) return nowMs + keepMs;
    use.removeJob(id);
  }
  // It may have been uploaded again while Jobs were asked for.
  if (use.touchedMs() + keepMs > nowMs) return use.touchedMs() + keepMs;
  await use.deleteAll();
  return undefined;
}
