import { readdirSync, readFileSync } from "node:fs";

/** A process as /proc shows it, told apart from a later one with the same id by its start time and the boot. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks between boot and start. */
  readonly startTime: number;
  readonly bootId: string;
}

/** The identity of a live process, or undefined when there is none; a zombie is none. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat && { pid, startTime: stat.startTime, bootId: bootId() };
}

/** Whether this very process still runs. */
export function isAlive({ pid, startTime, bootId: boot }: ProcessIdentity): boolean {
  return boot === bootId() && readStat(pid)?.startTime === startTime;
}

/**
 * Name of the environment variable that every process of a job carries. Its value is the job's id, or the name of the
 * session for an agent that was started before its job.
 */
export const jobMarker = "BLAZECRAFT_JOB_ID";

/** Live processes that carry one of a job's markers or belong to the process group of its first process. */
export function findJobProcesses(ids: readonly string[], leader: ProcessIdentity | undefined): number[] {
  const markers = ids.map((id) => `${jobMarker}=${id}`);
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
    .filter((pid) => belongsToGroup(pid, leader) || carriesMarker(pid, markers));
}

/** The processes that a process has started and that still run. */
export function childrenOf(pid: number): readonly number[] {
  return (readProc(`${pid}/task/${pid}/children`) ?? "").split(" ").filter(Boolean).map(Number);
}

function belongsToGroup(pid: number, leader: ProcessIdentity | undefined): boolean {
  if (leader === undefined || leader.bootId !== bootId()) return false;
  const stat = readStat(pid);
  // A group outlives its leader. An older process cannot be in it: then the number was given out again.
  return stat?.group === leader.pid && stat.session === leader.pid && stat.startTime >= leader.startTime;
}

function carriesMarker(pid: number, markers: readonly string[]): boolean {
  const environment = readProc(`${pid}/environ`);
  if (environment === undefined || !markers.some((marker) => environment.includes(marker))) return false;
  const variables = environment.split("\0");
  return markers.some((marker) => variables.includes(marker)) && readStat(pid) !== undefined;
}

interface ProcessStat {
  readonly group: number;
  readonly session: number;
  readonly startTime: number;
}

function readStat(pid: number): ProcessStat | undefined {
  const stat = readProc(`${pid}/stat`);
  if (stat === undefined) return undefined;
  // "pid (name) state parent group session …"; the name may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return undefined;
  return { group: Number(fields[2]), session: Number(fields[3]), startTime: Number(fields[19]) };
}

let boot: string | undefined;

function bootId(): string {
  boot ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return boot;
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, "latin1");
  } catch {
    // The process ended meanwhile, or belongs to another user and so cannot be ours.
    return undefined;
  }
}
