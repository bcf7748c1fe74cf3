import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { signalGroup } from "../process/kill-group.ts";
import { type Exit, exitOf, spawnError } from "../process/start-process.ts";
import type { ConfinedCommand, Sandbox } from "./sandbox.ts";

/** A command to run behind the walls whose output is taken while it comes. */
export interface ConfinedStream {
  readonly command: ConfinedCommand;
  /** Kills it, with all that it started. */
  readonly signal: AbortSignal;
  /** Reads its standard output to the end. Should that fail, the command is killed. */
  readonly take: (stdout: Readable) => Promise<void>;
}

/** How such a command ended. */
export type StreamedResult =
  | {
      readonly kind: "ended";
      readonly exit: Exit /** The end of what it wrote to standard error. */;
      readonly stderr: string;
    }
  /** The system's code, such as "ENOENT". */
  | { readonly kind: "unstartable"; readonly code: string };

/** Runs a command to its end. Throws what `take` threw, or the signal's reason when that aborts. */
export async function streamConfined(sandbox: Sandbox, stream: ConfinedStream): Promise<StreamedResult> {
  const { command, signal, take } = stream;
  signal.throwIfAborted();
  const { argv, env, directory } = sandbox.confine(command);
  const [program, ...args] = argv;
  const child = spawn(program, args, { cwd: directory, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  if (child.pid === undefined) return { kind: "unstartable", code: await spawnError(child) };
  const leader = child.pid;
  const stop = () => {
    signalGroup(leader, "SIGKILL");
    // Whatever has left its group may hold the other end.
    child.stdout.destroy();
  };
  signal.addEventListener("abort", stop, { once: true });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-maxErrorLength);
  });
  const taken = take(child.stdout);
  taken.catch(stop);
  const exit = await exitOf(child);
  await taken
    .finally(() => {
      signal.removeEventListener("abort", stop);
      stop();
      child.stderr.destroy();
    })
    .catch((error: unknown) => {
      throw signal.aborted ? signal.reason : error;
    });
  return { kind: "ended", exit, stderr };
}

const maxErrorLength = 2000;
