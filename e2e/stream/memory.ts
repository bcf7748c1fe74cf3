import { readFileSync } from "node:fs";

/** Memory in MiB that a process has in use, 0 once it has ended. */
export function residentMiB(pid: number): number {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    return (pages * 4096) / 2 ** 20;
  } catch {
    // It ended meanwhile.
    return 0;
  }
}

/** Memory of the largest of these processes, sampled until `stop`; answers its peak in MiB. */
export function watchMemory(pids: () => readonly number[]): { readonly stop: () => number } {
  let peak = 0;
  const sample = () => {
    peak = Math.max(peak, ...pids().map(residentMiB));
  };
  const timer = setInterval(sample, 20);
  return {
    stop: () => {
      clearInterval(timer);
      return peak;
    },
  };
}
