import { setTimeout as wait } from "node:timers/promises";
import { findJobProcesses, type ProcessIdentity } from "./process-table.ts";

/** Signals a whole process group; false when nothing of it is left. */
export function signalGroup(leaderPid: number, signal: NodeJS.Signals): boolean {
  return signalProcess(-leaderPid, signal);
}

/**
 * Kills whatever is left of a job: its process group, and every process that carries its marker, wherever it went. Ends
 * when none is found any more.
 */
export async function killSurvivors(jobId: string, leader: ProcessIdentity | undefined): Promise<void> {
  for (let round = 0; round < maxRounds; round += 1) {
    const survivors = findJobProcesses(jobId, leader);
    if (survivors.length === 0) return;
    for (const pid of survivors) signalProcess(pid, "SIGKILL");
    await wait(Math.min(round + 1, 20));
  }
  throw new Error(`processes of ${jobId} survive SIGKILL: ${findJobProcesses(jobId, leader).join(", ")}`);
}

// A program that forks as fast as it is killed is worn down over about 4 s; one in an uninterruptible wait is not.
const maxRounds = 200;

function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}
