import { connect, type Socket } from "node:net";
import type { JobPhase } from "#gen/job/v1/job_pb.js";
import { identifyProcess } from "../process/process-table.ts";
import type { SpoolEnd } from "../spool/segments.ts";
import {
  type CallAnswer,
  type Command,
  type HeldJob,
  onCommands,
  type Report,
  type SteeringCommand,
  send,
  socketName,
  type WarmReport,
  type WorkCommand,
} from "./control.ts";

/** What the runner tells the supervisor itself. */
export type OwnCommand = Exclude<Command, SteeringCommand | WorkCommand>;

/** What a supervisor does with what it hears. */
export interface RunnerLinkOptions {
  readonly onCommand: (command: OwnCommand) => void;
  /** The runner went away while this supervisor held no job. */
  readonly onOrphaned: () => void;
}

/** How people reach the agent of the job that is held. */
export interface SteeringLine {
  /** Who does from now on what they want. */
  onSteering(obey: (command: SteeringCommand) => void): void;
  /** Answers a call of theirs. */
  answer(call: number, answer: CallAnswer): void;
}

/** How people reach the work of the job that is held. */
export interface WorkLine {
  /** Who does from now on what they want of it. */
  onWork(answer: (command: WorkCommand) => Promise<CallAnswer>): void;
}

/**
 * A supervisor's line to whichever runner owns the data directory now. Dials again whenever it is cut, and then says
 * where the job stands; what is reported meanwhile need not be kept, because the hello says it all.
 */
export class RunnerLink implements SteeringLine, WorkLine {
  readonly #options: RunnerLinkOptions;
  #socket: Socket | undefined;
  #held: HeldJob | null = null;
  #steer: (command: SteeringCommand) => void = () => undefined;
  #work: (command: WorkCommand) => Promise<CallAnswer> = neverReady;
  #redialMs = firstRedialMs;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RunnerLinkOptions) {
    this.#options = options;
    this.#dial();
  }

  get holdsJob(): boolean {
    return this.#held !== null;
  }

  /** True while a runner is on the line. */
  get isOpen(): boolean {
    return this.#socket?.readyState === "open";
  }

  /** From now on this supervisor holds a job. */
  hold(held: HeldJob): void {
    this.#held = held;
  }

  onSteering(obey: (command: SteeringCommand) => void): void {
    this.#steer = obey;
  }

  onWork(answer: (command: WorkCommand) => Promise<CallAnswer>): void {
    this.#work = answer;
  }

  answer(call: number, answer: CallAnswer): void {
    this.#report({ kind: "answered", call, answer });
  }

  appended(end: SpoolEnd): void {
    this.#update({ end }, { kind: "appended", end });
  }

  phase(phase: JobPhase): void {
    this.#update({ phase }, { kind: "phase", phase });
  }

  /** Says that the job has ended, if anybody listens. From now on this supervisor holds none. */
  ended(end: SpoolEnd): void {
    this.#report({ kind: "ended", end });
    this.#held = null;
    this.#steer = () => undefined;
    this.#work = neverReady;
  }

  /** Says what became of an agent that was started before there is a job for it. */
  warmth(report: WarmReport): void {
    this.#report(report);
  }

  /** Says that this supervisor can have another job. */
  free(): void {
    this.#report({ kind: "free" });
  }

  /** Hangs up for good, once what was said has arrived. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket?.readyState !== "open") socket?.destroy();
    else await new Promise<void>((resolve) => socket.once("close", () => resolve()).end());
  }

  #update(change: Partial<HeldJob>, report: Report): void {
    if (this.#held !== null) this.#held = { ...this.#held, ...change };
    this.#report(report);
  }

  #report(report: Report): void {
    if (this.#socket !== undefined && this.isOpen) send(this.#socket, report);
  }

  async #answerWork(command: WorkCommand): Promise<void> {
    this.answer(command.call, await this.#work(command));
  }

  #dial(): void {
    const socket = connect(socketName);
    this.#socket = socket;
    socket.once("connect", () => {
      this.#redialMs = firstRedialMs;
      send(socket, { kind: "hello", process: ownIdentity(), held: this.#held });
    });
    onCommands(socket, (command) => {
      if (isSteering(command)) this.#steer(command);
      else if (isWork(command)) void this.#answerWork(command);
      else this.#options.onCommand(command);
    });
    // Every error is followed by "close".
    socket.on("error", () => undefined);
    socket.once("close", () => this.#lost(socket));
  }

  #lost(socket: Socket): void {
    if (socket !== this.#socket) return;
    if (this.#held === null) {
      this.#options.onOrphaned();
      return;
    }
    this.#timer = setTimeout(() => this.#dial(), this.#redialMs);
    this.#redialMs = Math.min(this.#redialMs * 2, lastRedialMs);
  }
}

function isSteering(command: Command): command is SteeringCommand {
  switch (command.kind) {
    case "decide":
    case "message":
    case "mode":
    case "allowHost":
      return true;
    case "run":
    case "recover":
    case "warm":
    case "serve":
    case "leave":
    case "stop":
    case "diff":
    case "push":
    case "openRequest":
      return false;
  }
}

function isWork(command: Exclude<Command, SteeringCommand>): command is WorkCommand {
  return command.kind === "diff" || command.kind === "push" || command.kind === "openRequest";
}

async function neverReady(): Promise<CallAnswer> {
  return { kind: "refused", refusal: "not-ready", message: "no job works here" };
}

const firstRedialMs = 20;
const lastRedialMs = 500;

function ownIdentity() {
  const identity = identifyProcess(process.pid);
  if (identity === undefined) throw new Error(`/proc/${process.pid}/stat cannot be read`);
  return identity;
}
