import { type ChildProcess, spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { signalGroup } from "../process/kill-group.ts";
import { type Exit, exitOf, spawnError } from "../process/start-process.ts";
import type { ConfinedCommand, Sandbox } from "./sandbox.ts";

/** A short command to run to its end behind the walls. */
export interface ConfinedRun {
  readonly command: ConfinedCommand;
  /** Kills it, with all that it started. */
  readonly signal: AbortSignal;
  /** Written to its standard input; absent: it has none. */
  readonly input?: string | Uint8Array;
  /** One that writes more is killed. */
  readonly maxOutputBytes: number;
  /** Talks with whoever has its file descriptor `talkDescriptor`. */
  readonly talk?: (channel: Duplex) => void;
}

/** The file descriptor on which a command can be talked with; the highest that every shell can name. */
export const talkDescriptor = 9;

/** How a short command ended. */
export type ConfinedResult =
  | {
      readonly kind: "ended";
      readonly exit: Exit;
      readonly stdout: Buffer;
      /** It wrote more than it may, and was killed: `stdout` is what it wrote first. */
      readonly isCut: boolean;
      /** The last 16 KiB of standard error, as text. */
      readonly stderr: string;
    }
  /** The system's code, such as "ENOENT". */
  | { readonly kind: "unstartable"; readonly code: string };

/** Runs a short command, such as one of git's, and hands over what it wrote. Throws the signal's reason when that aborts. */
export async function runConfined(sandbox: Sandbox, run: ConfinedRun): Promise<ConfinedResult> {
  const { command, signal, input, maxOutputBytes, talk } = run;
  signal.throwIfAborted();
  const { argv, env, directory } = sandbox.confine(command);
  const [program, ...args] = argv;
  const stdio = [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] as const;
  const child = spawn(program, args, {
    cwd: directory,
    env,
    detached: true,
    stdio: [...stdio, ...(talk ? talkStreams : [])],
  });
  if (child.pid === undefined) return { kind: "unstartable", code: await spawnError(child) };
  const leader = child.pid;
  const kill = () => void signalGroup(leader, "SIGKILL");
  const stdout = new Head(maxOutputBytes, kill);
  const stderr = new Tail(maxErrorBytes);
  const closed = closeOf(child);
  const channel = child.stdio.at(talkDescriptor);
  if (channel instanceof Duplex) talk?.(channel);
  child.stdout?.on("data", (data: Buffer) => stdout.push(data));
  child.stderr?.on("data", (data: Buffer) => stderr.push(data));
  // It may close its input whenever it likes.
  child.stdin?.on("error", () => undefined).end(input);
  signal.addEventListener("abort", kill, { once: true });
  const exit = await exitOf(child);
  signal.removeEventListener("abort", kill);
  // What it left in its group ends with it; what left the group may hold the pipes.
  kill();
  await Promise.race([closed, wait(drainMs, undefined, { ref: false })]);
  child.stdout?.destroy();
  child.stderr?.destroy();
  signal.throwIfAborted();
  return { kind: "ended", exit, stdout: stdout.bytes(), isCut: stdout.isCut, stderr: stderr.text() };
}

/** What follows the first three: nothing up to the one that counts. */
const talkStreams = Array.from({ length: talkDescriptor - 2 }, (_, index) =>
  index + 3 === talkDescriptor ? ("pipe" as const) : ("ignore" as const),
);
const maxErrorBytes = 16 * 1024;
const drainMs = 2000;

function closeOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once("close", () => resolve()));
}

/** The first bytes of a stream. */
class Head {
  readonly #maxBytes: number;
  readonly #onFull: () => void;
  readonly #parts: Buffer[] = [];
  #length = 0;
  isCut = false;

  constructor(maxBytes: number, onFull: () => void) {
    this.#maxBytes = maxBytes;
    this.#onFull = onFull;
  }

  push(data: Buffer): void {
    const kept = data.subarray(0, this.#maxBytes - this.#length);
    this.#parts.push(kept);
    this.#length += kept.length;
    if (kept.length === data.length || this.isCut) return;
    this.isCut = true;
    this.#onFull();
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** The last bytes of a stream. */
class Tail {
  readonly #maxBytes: number;
  #bytes = Buffer.alloc(0);

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(data: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, data]).subarray(-this.#maxBytes);
  }

  text(): string {
    return this.#bytes.toString();
  }
}
