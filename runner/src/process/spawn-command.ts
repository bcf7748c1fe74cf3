import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { constants } from "node:os";
import { Duplex } from "node:stream";
import { signalGroup } from "./kill-group.ts";
import { childrenOf } from "./process-table.ts";

/** What to spawn, wholly: nothing is added from this process's own environment. */
export interface SpawnCommand {
  /** The program and its arguments; the program is looked up in its PATH when it holds no slash. */
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute path of its working directory. */
  readonly directory: string;
  /** Present when it builds a box around a command, which is what counts for whoever spawns it. */
  readonly box?: BoxProtocol;
}

/** How a program that builds a box is spoken with. */
export interface BoxProtocol {
  /**
   * What it reads from its file descriptors from 4 on, each to its end, five at most. On descriptor 3 it says `boxReady`, or the system's
   * code for why the command cannot be started. The command is of the process group of its only child.
   */
  readonly inputs: readonly Uint8Array[];
}

/** What a box says on the brink of its command. */
export const boxReady = "ready";

/** A command that is being spawned. */
export interface Spawning {
  /** Whoever wants what it writes must listen at once. */
  readonly streams: Pick<ChildProcess, "stdin" | "stdout" | "stderr">;
  /** The other end of its `talkDescriptor`, if it has that. */
  readonly talk: Duplex | undefined;
  /** Settles once it runs, or is known not to. */
  readonly outcome: Promise<Spawned>;
}

/** A command that was spawned, or why it was not. */
export type Spawned =
  | { readonly kind: "spawned"; readonly child: SpawnedChild }
  /** The system's code, such as "ENOENT"; "EBOX" when it is the box that could not be built, which standard error tells of. */
  | { readonly kind: "unstartable"; readonly code: string };

/** A command that was spawned as the leader of a new process group. */
export interface SpawnedChild {
  /** Of the leader: the command itself, or what built its box. */
  readonly pid: number;
  /** Of the command, on this machine. */
  readonly commandPid: number;
  readonly exited: Promise<Exit>;
  /** Signals the command's process group, or with SIGKILL the whole box; false when nothing of it is left. */
  signal(signal: "SIGTERM" | "SIGKILL"): boolean;
}

/** How a process ended. */
export type Exit =
  | { readonly kind: "exited"; readonly exitCode: number }
  | { readonly kind: "signaled"; readonly signal: string };

/** The streams of a command to spawn, as node:child_process takes them. */
export interface CommandStreams {
  readonly stdin: "pipe" | "ignore";
  readonly stdout: "pipe" | number;
  readonly stderr: "pipe" | number;
  /** Whether it has `talkDescriptor`; absent: it has not. */
  readonly talk?: "pipe";
}

/** The file descriptor on which a command can be talked with; the highest that every shell can name. */
export const talkDescriptor = 9;

/** Spawns a command. */
export function spawnCommand(command: SpawnCommand, streams: CommandStreams): Spawning {
  const { argv, env, directory, box } = command;
  const [program, ...args] = argv;
  const child = spawn(program, args, { cwd: directory, env, detached: true, stdio: descriptors(streams, box) });
  // The process may close its input whenever it likes.
  child.stdin?.on("error", () => undefined);
  const channel = child.stdio.at(talkDescriptor);
  const talk = streams.talk === "pipe" && channel instanceof Duplex ? channel : undefined;
  return { streams: child, talk, outcome: box === undefined ? spawned(child) : spawnedBox(child, box) };
}

function descriptors({ stdin, stdout, stderr, talk }: CommandStreams, box: BoxProtocol | undefined): StdioOptions {
  const ofBox = box === undefined ? [] : [boxReady, ...box.inputs].map(() => "pipe" as const);
  const first = [stdin, stdout, stderr, ...ofBox];
  if (talk === undefined) return first;
  const between = talkDescriptor - first.length;
  if (between < 0) throw new Error(`a box leaves descriptor ${talkDescriptor} to its command`);
  return [...first, ...Array.from({ length: between }, () => "ignore" as const), talk];
}

async function spawned(child: ChildProcess): Promise<Spawned> {
  const { pid } = child;
  if (pid === undefined) return { kind: "unstartable", code: await spawnError(child) };
  return {
    kind: "spawned",
    child: { pid, commandPid: pid, exited: exitOf(child), signal: (name) => signalGroup(pid, name) },
  };
}

async function spawnedBox(child: ChildProcess, { inputs }: BoxProtocol): Promise<Spawned> {
  const { pid } = child;
  if (pid === undefined) return { kind: "unstartable", code: await spawnError(child) };
  const exited = exitOf(child);
  const word = await openBox(child, inputs);
  if (word === boxReady) {
    const signal = (name: NodeJS.Signals) => signalBox(pid, name);
    return { kind: "spawned", child: { pid, commandPid: commandIn(pid), exited: exited.then(insideExit), signal } };
  }
  await exited;
  return { kind: "unstartable", code: word || "EBOX" };
}

const firstBoxDescriptor = 3;

/** Gives a box what it reads, and answers what it says. */
async function openBox(child: ChildProcess, inputs: readonly Uint8Array[]): Promise<string> {
  const ofBox = child.stdio.slice(firstBoxDescriptor, firstBoxDescriptor + 1 + inputs.length);
  const [report, ...pipes] = ofBox.filter((stream) => stream instanceof Duplex);
  if (report === undefined) throw new Error("a box has a pipe for what it says");
  for (const [index, input] of inputs.entries()) {
    // One that could not be built reads nothing.
    pipes[index]?.on("error", () => undefined).end(input);
  }
  let said = "";
  try {
    for await (const data of report) {
      said += String(data);
      if (said.includes("\n")) break;
    }
  } finally {
    for (const pipe of pipes) pipe.destroy();
  }
  return said.trim();
}

/** The command is the first that the first process inside has started. It may have ended already. */
function commandIn(pid: number): number {
  const [inside = pid] = childrenOf(pid);
  const [command = inside] = childrenOf(inside);
  return command;
}

/** What builds the box dies of SIGTERM and takes all with it, so that goes to the command itself. */
function signalBox(pid: number, signal: NodeJS.Signals): boolean {
  if (signal === "SIGKILL") return signalGroup(pid, signal);
  const [inside] = childrenOf(pid);
  return inside !== undefined && signalGroup(inside, signal);
}

/** A box tells of a signal that ended its command as shells do. */
function insideExit(exit: Exit): Exit {
  if (exit.kind === "signaled") return exit;
  const signal = signalNames.get(exit.exitCode - 128);
  return signal === undefined ? exit : { kind: "signaled", signal };
}

const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number as number, name]));

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once("exit", (exitCode, signal) =>
      resolve(signal === null ? { kind: "exited", exitCode: exitCode ?? 0 } : { kind: "signaled", signal }),
    );
  });
}

function spawnError(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve("code" in error ? String(error.code) : error.message));
  });
}
