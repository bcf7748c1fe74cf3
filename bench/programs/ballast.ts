/** Memory that a process holds for the sake of its size. */
const held: Buffer[] = [];

/** Grows the process to about this resident size. */
export function growTo(mib: number): void {
  const missing = mib - process.memoryUsage.rss() / 2 ** 20;
  // Filled, so that every page is there.
  if (missing > 0) held.push(Buffer.alloc(missing * 2 ** 20, 1));
}
