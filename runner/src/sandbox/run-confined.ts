import type { Duplex, Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { type Exit, type SpawnedChild, spawnCommand } from "../process/spawn-command.ts";
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
  /** The system's code, such as "ENOENT"; "EBOX" when the box could not be built, and then what was said of that. */
  | { readonly kind: "unstartable"; readonly code: string; readonly stderr: string };

/** Runs a short command, such as one of git's, and hands over what it wrote. Throws the signal's reason when that aborts. */
export async function runConfined(sandbox: Sandbox, run: ConfinedRun): Promise<ConfinedResult> {
  const { command, signal, input, maxOutputBytes, talk } = run;
  signal.throwIfAborted();
  const stdin = input === undefined ? "ignore" : "pipe";
  const pipes = { stdin, stdout: "pipe", stderr: "pipe", ...(talk && { talk: "pipe" as const }) } as const;
  const { streams, talk: channel, outcome } = spawnCommand(sandbox.confine(command), pipes);
  if (channel !== undefined) talk?.(channel);
  const enough = new AbortController();
  const stdout = new Head(maxOutputBytes, () => enough.abort());
  const stderr = new Tail(maxErrorBytes);
  const closed = Promise.all([closeOf(streams.stdout), closeOf(streams.stderr)]);
  streams.stdout?.on("data", (data: Buffer) => stdout.push(data));
  streams.stderr?.on("data", (data: Buffer) => stderr.push(data));
  streams.stdin?.end(input);
  const spawned = await outcome;
  if (spawned.kind === "unstartable") return { ...spawned, stderr: stderr.text() };
  const exit = await endOf(spawned.child, AbortSignal.any([signal, enough.signal]));
  // What left its group may hold the pipes.
  await Promise.race([closed, wait(drainMs, undefined, { ref: false })]);
  streams.stdout?.destroy();
  streams.stderr?.destroy();
  signal.throwIfAborted();
  return { kind: "ended", exit, stdout: stdout.bytes(), isCut: stdout.isCut, stderr: stderr.text() };
}

const maxErrorBytes = 16 * 1024;
const drainMs = 2000;

/** Waits for its end, which comes at once when the signal aborts; what it left in its group ends with it. */
async function endOf(child: SpawnedChild, signal: AbortSignal): Promise<Exit> {
  const kill = () => void child.signal("SIGKILL");
  if (signal.aborted) kill();
  signal.addEventListener("abort", kill, { once: true });
  const exit = await child.exited;
  signal.removeEventListener("abort", kill);
  kill();
  return exit;
}

function closeOf(stream: Readable | null): Promise<void> {
  return new Promise((resolve) => stream?.once("close", () => resolve()));
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
