import { once } from "node:events";
import { nodeProgram, startProgram } from "./program.ts";

/** A Node process that spawns `echo` when asked to. */
export interface Spawner {
  spawn(): Promise<SpawnTimes>;
  close(): Promise<void>;
}

/** How long one spawn took, in milliseconds. */
export interface SpawnTimes {
  /** The spawner's event loop stood still. */
  readonly blockedMs: number;
  /** The first byte came. */
  readonly firstByteMs: number;
}

/** Starts a spawner of at least this resident size. */
export async function openSpawner(residentMib: number): Promise<Spawner> {
  const program = await startProgram({
    argv: nodeProgram("spawner.ts", String(residentMib)),
    readyFd: 1,
    ready: (line) => line,
    stopSignal: "SIGTERM",
  });
  return {
    async spawn() {
      program.process.send("spawn");
      const [times] = (await once(program.process, "message")) as [SpawnTimes];
      return times;
    },
    close: () => program.close(),
  };
}
