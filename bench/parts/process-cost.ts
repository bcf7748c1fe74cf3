import { readFileSync, writeFileSync } from "node:fs";

/** Milliseconds of CPU that processes have used, in user and system mode; `withChildren` adds children that they reaped. */
export function cpuMs(pids: readonly number[], { withChildren }: { readonly withChildren: boolean }): number {
  const ticks = pids.flatMap((pid) => {
    // The name, in parentheses, may hold spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ").map(Number) ?? [];
    return fields.slice(11, withChildren ? 15 : 13);
  });
  return ticks.reduce((sum, count) => sum + count, 0) * msPerTick;
}

/** Linux reports to programs in hundredths of a second on every machine that Node runs on. */
const msPerTick = 10;

/** Largest resident memory of a process since its start, or since `forgetPeak`, in MiB. */
export function peakMib(pid: number): number {
  return statusKib(pid, "VmHWM") / 1024;
}

/** Resident memory of a process now, in MiB. */
export function residentMib(pid: number): number {
  return statusKib(pid, "VmRSS") / 1024;
}

/** Lets `peakMib` begin anew. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

function statusKib(pid: number, name: string): number {
  const [, kib] = readFileSync(`/proc/${pid}/status`, "utf8").match(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m")) ?? [];
  return Number(kib);
}
