import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Pipe } from "./pipe.ts";
import { identifyProcess, type ProcessIdentity } from "./process-table.ts";
import type { SpawnCommand } from "./spawn-command.ts";

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
  readonly identity: ProcessIdentity;
  readonly stdin: NodeJS.WritableStream | undefined;
  /** Its own end; what it left behind may still run and write. */
  readonly exited: Promise<Exit>;
  /** Waits until nobody can write output any more, but no longer than this. */
  drained(maxMs: number): Promise<void>;
  /** Stops reading output. */
  close(): void;
}

/** How a process ended. */
export type Exit =
  | { readonly kind: "exited"; readonly exitCode: number }
  | { readonly kind: "signaled"; readonly signal: string };

/** Starts a process. The pipes belong to it from now on, also when it cannot be started. */
export async function startProcess(request: ProcessRequest): Promise<ProcessStart> {
  const { command, stdin, stdout, stderr, stdoutGapMs, onOutput } = request;
  const { argv, env, directory } = command;
  const [program, ...args] = argv;
  const child = spawn(program, args, {
    cwd: directory,
    env,
    detached: true,
    stdio: [stdin === "pipe" ? "pipe" : "ignore", stdout.writeFd, stderr.writeFd],
  });
  const exited = exitOf(child);
  const readers = [
    readPipe(stdout.readFd, stdoutGapMs, (data) => onOutput("stdout", data)),
    readPipe(stderr.readFd, 0, (data) => onOutput("stderr", data)),
  ];
  closeSync(stdout.writeFd);
  closeSync(stderr.writeFd);
  const close = () => {
    for (const { socket } of readers) socket.destroy();
  };
  if (child.pid === undefined) {
    close();
    return { kind: "unstartable", code: await spawnError(child) };
  }
  // A process that ended already is still there as a zombie, with its number not given out again.
  const identity = identifyProcess(child.pid) ?? { pid: child.pid, startTime: 0, bootId: "" };
  const ended = Promise.all(readers.map((reader) => reader.ended));
  const drained = async (maxMs: number) => {
    const timer = new AbortController();
    await Promise.race([ended, wait(maxMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
  };
  // The process may close its input whenever it likes.
  child.stdin?.on("error", () => undefined);
  return { kind: "started", process: { identity, stdin: child.stdin ?? undefined, exited, drained, close } };
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

// As much as a pipe holds.
const readBytes = 64 * 1024;

/** The end of a process that was just started. */
export function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once("exit", (exitCode, signal) =>
      resolve(signal === null ? { kind: "exited", exitCode: exitCode ?? 0 } : { kind: "signaled", signal }),
    );
  });
}

/** The system's code for why a process could not be started. */
export function spawnError(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve("code" in error ? String(error.code) : error.message));
  });
}
