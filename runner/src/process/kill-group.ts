import { setTimeout as wait } from "node:timers/promises";
import { findJobProcesses, isAlive, type ProcessIdentity } from "./process-table.ts";

/** Signals a whole process group; false when nothing of it is left, or nothing that this process may signal. */
export function signalGroup(leaderPid: number, signal: NodeJS.Signals): boolean {
  return signalProcess(-leaderPid, signal);
}

/** Kills one process, if it still runs. */
export function killProcess(identity: ProcessIdentity): void {
  if (isAlive(identity)) signalProcess(identity.pid, "SIGKILL");
}

/**
 * Kills whatever is left of a job: its process group, and every process that carries one of its markers, wherever it went. Answers
 * what withstood that: processes of another user, and such as wait for a device.
 */
export async function killSurvivors(
  ids: readonly string[],
  leader: ProcessIdentity | undefined,
): Promise<readonly number[]> {
  let survivors = findJobProcesses(ids, leader);
  for (let round = 0; round < maxRounds && survivors.length > 0; round += 1) {
    for (const pid of survivors) signalProcess(pid, "SIGKILL");
    await wait(Math.min(round + 1, 20));
    survivors = findJobProcesses(ids, leader);
  }
  return survivors;
}

// A program that forks as fast as it is killed is worn down over about 4 s.
const maxRounds = 200;

function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ESRCH" || error.code === "EPERM")) return false;
    throw error;
  }
}
