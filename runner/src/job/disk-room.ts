import { Code } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import { freeBytes } from "../supervisor/disk-watch.ts";

/** Refuses a new job while less than this is free on the disk of the data directory: those that run shall end well. */
export function requireDiskRoom(minFreeBytes: number): void {
  const free = freeBytes(".");
  if (free >= minFreeBytes) return;
  throw problemError({
    code: Code.ResourceExhausted,
    reason: ProblemReason.DISK_LOW,
    message: `the runner's disk is nearly full: ${free} bytes are free, MIN_FREE_DISK_BYTES is ${minFreeBytes}`,
    action: "Free space on the runner's disk; waiting jobs then start by themselves.",
  });
}
