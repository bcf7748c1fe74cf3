import { type ChildProcess, fork } from "node:child_process";
import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import type { ProcessIdentity } from "../process/process-table.ts";
import { type Command, type HeldJob, onReports, type Report, send, socketName } from "./control.ts";

/** A supervisor that is on the line. */
export interface Supervisor {
  readonly process: ProcessIdentity;
  command(command: Command): void;
  /** Who hears its reports from now on, and that its line was cut. */
  listen(listener: SupervisorListener): void;
}

/** What a supervisor says of the job that it holds. */
export type JobReport = Exclude<Report, { kind: "hello" | "free" }>;

/** Whoever follows a supervisor until it is free again. */
export interface SupervisorListener {
  readonly report: (report: JobReport) => void;
  readonly cut: () => void;
}

/** What a pool needs. */
export interface SupervisorPoolOptions {
  /** A supervisor that holds a job called, after a restart of the runner or a cut line. */
  readonly onHeld: (supervisor: Supervisor, held: HeldJob) => void;
  readonly onProblem: (error: Error) => void;
}

/**
 * Keeps a supervisor ready for the next job, and the line that all of them call in on. One that comes back from a job is
 * ready at once; starting one takes a third of a second of a core.
 */
export class SupervisorPool implements AsyncDisposable {
  readonly #options: SupervisorPoolOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** In the order in which they were used; those that never were come first. */
  readonly #spares: Supervisor[] = [];
  readonly #waiting: ((supervisor: Supervisor) => void)[] = [];
  /** Process ids of supervisors that called and have not been seen to end. */
  readonly #greeted = new Set<number>();
  readonly #quiet = setTimeout(() => this.#trim(), keptMs).unref();
  #spawner: ChildProcess | undefined;
  #starting = 0;
  #closed = false;

  constructor(options: SupervisorPoolOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Listens, and starts the first spare. Call it while the process is small. */
  async open(): Promise<void> {
    this.#startSpawner();
    // What an earlier runner left: only one runs on a data directory, so nobody listens there.
    rmSync(socketName, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject).listen(socketName, resolve);
    });
    this.#refill();
  }

  /** A supervisor without a job; a new spare is started in its place. */
  take(): Promise<Supervisor> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#match();
    });
  }

  /** Hangs up. Spares end by that; supervisors with a job run on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#quiet);
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    if (this.#spawner?.connected) this.#spawner.disconnect();
  }

  #startSpawner(): void {
    const spawner = fork(spawnerProgram, { env: {}, execArgv: [] });
    this.#spawner = spawner;
    spawner.on("message", (pid) => this.#onExit(pid));
    spawner.once("exit", () => {
      if (this.#closed) return;
      this.#options.onProblem(new Error("the spawner died; starting another"));
      this.#starting = 0;
      this.#startSpawner();
      this.#refill();
    });
  }

  /** One that ends before it calls would leave its place in the count for ever. */
  #onExit(pid: unknown): void {
    if (typeof pid !== "number" || this.#greeted.delete(pid) || this.#closed) return;
    this.#options.onProblem(new Error("a supervisor ended before it called; supervisors.log says why"));
    this.#starting = Math.max(0, this.#starting - 1);
    setTimeout(() => this.#refill(), retryMs).unref();
  }

  #match(): void {
    for (; this.#spares.length > 0 && this.#waiting.length > 0; ) {
      // The one that was used last runs fastest.
      const supervisor = this.#spares.pop();
      if (supervisor !== undefined) this.#waiting.shift()?.(supervisor);
    }
    if (this.#waiting.length > 0) this.#refill();
    else setTimeout(() => this.#refill(), headStartMs).unref();
  }

  #refill(): void {
    const spawner = this.#spawner;
    if (this.#closed || spawner === undefined) return;
    for (; this.#spares.length + this.#starting < this.#waiting.length + spareCount; this.#starting += 1) {
      spawner.send("start");
    }
  }

  #accept(socket: Socket): void {
    const connection = new Connection(socket);
    this.#sockets.add(socket);
    socket.on("error", this.#options.onProblem);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      const index = this.#spares.indexOf(connection);
      if (index >= 0) this.#spares.splice(index, 1);
      connection.cut();
      this.#refill();
    });
    onReports(socket, (report) => {
      if (report.kind === "hello") this.#greet(connection, report);
      else if (report.kind === "free") this.#takeBack(connection);
      else connection.report(report);
    });
  }

  #greet(connection: Connection, { process, held }: Extract<Report, { kind: "hello" }>): void {
    connection.process = process;
    this.#greeted.add(process.pid);
    if (held !== null) {
      this.#options.onHeld(connection, held);
      return;
    }
    this.#starting = Math.max(0, this.#starting - 1);
    this.#spares.unshift(connection);
    this.#match();
  }

  #takeBack(connection: Connection): void {
    connection.free();
    if (this.#spares.length >= mostSpares) {
      connection.command({ kind: "leave" });
      return;
    }
    this.#spares.push(connection);
    this.#quiet.refresh();
    this.#match();
  }

  /** Sends away the spares that only a burst of jobs needed. */
  #trim(): void {
    for (const surplus of this.#spares.splice(0, this.#spares.length - spareCount)) surplus.command({ kind: "leave" });
  }
}

const spawnerProgram = fileURLToPath(new URL("./spawner.ts", import.meta.url));
const spareCount = 1;
/** How many are kept of those that come back from a job. */
const mostSpares = 4;
/** How long, counted from the last job's end. */
const keptMs = 30_000;
/** The next spare leaves the machine to a job that begins until the job has, unless somebody waits for the spare. */
const headStartMs = 100;
const retryMs = 1000;

class Connection implements Supervisor {
  readonly #socket: Socket;
  #listener: SupervisorListener | undefined;
  /** Known since its hello. */
  process: ProcessIdentity = { pid: 0, startTime: 0, bootId: "" };

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  command(command: Command): void {
    send(this.#socket, command);
  }

  listen(listener: SupervisorListener): void {
    this.#listener = listener;
    // It may have gone between its last word and now.
    if (this.#socket.destroyed) this.cut();
  }

  report(report: JobReport): void {
    this.#listener?.report(report);
  }

  /** Whoever listened followed a job that is over. */
  free(): void {
    this.#listener = undefined;
  }

  cut(): void {
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.cut();
  }
}
