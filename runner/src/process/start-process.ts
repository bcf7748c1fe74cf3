import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Pipe } from "./pipe.ts";
import { identifyProcess, type ProcessIdentity } from "./process-table.ts";
import { type Exit, type SpawnCommand, spawnCommand } from "./spawn-command.ts";

/** A process to start, as the leader of a new process group. */
export interface ProcessRequest {
  readonly command: SpawnCommand;
  readonly stdin: "none" | "pipe";
  readonly stdout: Pipe;
  readonly stderr: Pipe;
  /** While standard output comes in quick succession it is read so many ms apart; 0 reads it as it comes. */
  readonly stdoutGapMs: number;
  readonly onOutput: OutputListener;
}

/** Takes output before it returns; the bytes are overwritten afterwards. */
export type OutputListener = (stream: "stdout" | "stderr", data: Uint8Array) => void;

/** A process, or why there is none. */
export type ProcessStart =
  | { readonly kind: "started"; readonly process: StartedProcess }
  /** The system's code, such as "ENOENT". */
  | { readonly kind: "unstartable"; readonly code: string };

/** A process that was started. */
export interface StartedProcess {
  /** The leader of its process group, or of that of the box that it runs in. */
  readonly identity: ProcessIdentity;
  /** Its own process id on this machine. */
  readonly pid: number;
  readonly stdin: NodeJS.WritableStream | undefined;
  /** Its own end; what it left behind may still run and write. */
  readonly exited: Promise<Exit>;
  /** Signals its process group; false when nothing of it is left. */
  signal(signal: "SIGTERM" | "SIGKILL"): boolean;
  /** Waits until nobody can write output any more, but no longer than this. */
  drained(maxMs: number): Promise<void>;
  /** Stops reading output. */
  close(): void;
}

/** Starts a process. The pipes belong to it from now on, also when it cannot be started. */
export async function startProcess(request: ProcessRequest): Promise<ProcessStart> {
  const { command, stdin, stdout, stderr, stdoutGapMs, onOutput } = request;
  const { streams, outcome } = spawnCommand(command, {
    stdin: stdin === "pipe" ? "pipe" : "ignore",
    stdout: stdout.writeFd,
    stderr: stderr.writeFd,
  });
  const readers = [
    readPipe(stdout.readFd, stdoutGapMs, (data) => onOutput("stdout", data)),
    readPipe(stderr.readFd, 0, (data) => onOutput("stderr", data)),
  ];
  closeSync(stdout.writeFd);
  closeSync(stderr.writeFd);
  const close = () => {
    for (const { socket } of readers) socket.destroy();
  };
  const ended = Promise.all(readers.map((reader) => reader.ended));
  const drained = async (maxMs: number) => {
    const timer = new AbortController();
    await Promise.race([ended, wait(maxMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
  };
  const spawned = await outcome;
  if (spawned.kind === "unstartable") {
    // What was to build a box may have said why.
    await drained(lastWordsMs);
    close();
    return spawned;
  }
  const { pid, commandPid, exited, signal } = spawned.child;
  // A process that ended already is still there as a zombie, with its number not given out again.
  const identity = identifyProcess(pid) ?? { pid, startTime: 0, bootId: "" };
  return {
    kind: "started",
    process: { identity, pid: commandPid, stdin: streams.stdin ?? undefined, exited, signal, drained, close },
  };
}

function readPipe(fd: number, gapMs: number, take: (data: Uint8Array) => void) {
  const buffer = Buffer.allocUnsafeSlow(readBytes);
  let readAt = Number.NEGATIVE_INFINITY;
  const callback = (length: number) => {
    take(buffer.subarray(0, length));
    const now = performance.now();
    const isQuick = now - readAt < gapMs;
    readAt = now;
    if (isQuick) setTimeout(() => socket.resume(), gapMs);
    return !isQuick;
  };
  const socket = new Socket({ fd, readable: true, writable: false, onread: { buffer, callback } });
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  return { socket, ended };
}

const lastWordsMs = 1000;

// As much as a pipe holds.
const readBytes = 64 * 1024;
