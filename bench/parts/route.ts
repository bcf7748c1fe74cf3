import { readStream } from "./http-stream.ts";
import { cpuMs } from "./process-cost.ts";
import { nodeProgram, startProgram } from "./program.ts";
import type { System } from "./system.ts";

/** A way on which a program's output reaches a client. */
export interface Route {
  /** Runs its program once and hands on what that writes, until it has ended. */
  run(take: (data: Uint8Array) => void): Promise<void>;
  /** Milliseconds of CPU that its parts have used so far, the client not among them. */
  cpuMs(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

/** The system's own route: a job in a runner, watched through the gateway. */
export function systemRoute({ jobs, workerd, runner }: System, argv: readonly string[]): Route {
  return {
    async run(take) {
      const id = await jobs.create(argv);
      await jobs.watch(id, take);
      await jobs.delete(id);
    },
    cpuMs: () => ({
      gateway: cpuMs([workerd.pid], { withChildren: false }),
      "runner, supervisor and job": cpuMs(runner.pids, { withChildren: true }),
    }),
    close: async () => undefined,
  };
}

/** The floor: a Node server that runs the program and pipes its output into the answer. */
export async function openBytePipe(argv: readonly string[]): Promise<Route> {
  const program = await startProgram({
    argv: [...nodeProgram("byte-pipe.ts"), ...argv],
    readyFd: 1,
    ready: (line) => line,
    stopSignal: "SIGTERM",
  });
  return {
    async run(take) {
      await readStream({ url: `http://127.0.0.1:${program.ready}/`, method: "GET" }, take);
    },
    cpuMs: () => ({ "server and its job": cpuMs([program.pid], { withChildren: true }) }),
    close: () => program.close(),
  };
}
