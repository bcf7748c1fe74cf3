/** What stands between a job and the rest, each a part of its box that can be left out to see that it was that part. */
export const wallNames = [
  /** Of the disk a job finds the system's programs and what it was given. */
  "files",
  /** It is another user than the runner's, or at least without any power of root. */
  "user",
  /** It sees its own processes alone, and they end with it. */
  "processes",
  /** Its network is its own. */
  "network",
  /** It talks to no process outside by shared memory, semaphores or queues, and does not name the machine. */
  "ipc",
  /** System calls that lead far into the kernel are refused. */
  "system-calls",
] as const;

/** Name of a wall. */
export type WallName = (typeof wallNames)[number];
