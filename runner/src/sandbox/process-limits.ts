import { existsSync } from "node:fs";

/** What one job may use, as far as the system bounds it process by process or user by user. */
export interface ProcessBounds {
  readonly diskBytes: number;
  readonly maxProcesses: number;
}

/**
 * What is put before a program for it, and all that it starts, to have these limits; nothing where there is no program that
 * sets them. No process writes a larger file, or leaves its memory on the disk when it crashes. Where each job has a user of
 * its own, that user has so many processes; they do not count for root, whose the program itself is.
 */
export function processLimits({ diskBytes, maxProcesses }: ProcessBounds): readonly string[] {
  if (!existsSync(prlimit)) return [];
  const processes = process.getuid?.() === 0 ? [`--nproc=${maxProcesses}`] : [];
  return [prlimit, "--core=0", `--fsize=${diskBytes}`, ...processes, "--"];
}

const prlimit = "/usr/bin/prlimit";
