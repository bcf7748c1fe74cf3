import type { AttemptKey } from "./attempt.ts";
import type { Memory } from "./job-store.ts";

/** Where a Job's attempt is, or was before it was released. */
export interface AttemptPlace {
  readonly key: AttemptKey;
  /** Name of the runner. */
  readonly runner: string;
  /** Its address; undefined when it was removed. */
  readonly url: string | undefined;
}

/** Finds an attempt; undefined when no runner has begun with one. */
export async function findAttempt(
  { holder, job }: Memory,
  findRunner: (name: string) => Promise<string | undefined>,
): Promise<AttemptPlace | undefined> {
  const { runner = "", attempt = 0 } = holder ?? job.placement ?? {};
  if (runner === "") return undefined;
  return { key: { jobId: job.id, attempt }, runner, url: holder?.url ?? (await findRunner(runner)) };
}
