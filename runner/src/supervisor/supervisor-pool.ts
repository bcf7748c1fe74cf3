import { type ChildProcess, fork } from "node:child_process";
import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import type { ProcessIdentity } from "../process/process-table.ts";
import { type Command, type HeldJob, onReports, type Report, send, socketName, type WarmReport } from "./control.ts";
import type { Confinement } from "./job-sandbox.ts";
import type { WarmSpares, WarmWish } from "./warm-spares.ts";

/** A supervisor that is on the line. */
export interface Supervisor {
  readonly process: ProcessIdentity;
  command(command: Command): void;
  /** Who hears its reports from now on, and that its line was cut. */
  listen(listener: SupervisorListener): void;
}

/** What a supervisor says of the job that it holds. */
export type JobReport = Exclude<Report, { kind: "hello" | "free" } | WarmReport>;

/** A supervisor for a job. */
export interface TakenSupervisor {
  readonly supervisor: Supervisor;
  /** The session whose agent it has started, for this job to take; undefined when it has none that waits. */
  readonly session: string | undefined;
}

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
  /** How supervisors confine their jobs. */
  readonly confinement: Confinement;
  /** What is put before a supervisor to set the limits of its processes, its jobs' among them. */
  readonly limiting: readonly string[];
  /** Undefined when no agents are started before there are jobs. */
  readonly warm: WarmSpares | undefined;
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
  readonly #waiting: { readonly wish: WarmWish; readonly resolve: (taken: TakenSupervisor) => void }[] = [];
  /** Process ids of supervisors that called and have not been seen to end. */
  readonly #greeted = new Set<number>();
  readonly #quiet = setTimeout(() => this.#trim(), keptMs).unref();
  #spawner: ChildProcess | undefined;
  #starting = 0;
  /** Supervisors in a row that ended before they called. */
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;
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
  take(wish: WarmWish = { warm: false }): Promise<TakenSupervisor> {
    return new Promise((resolve) => {
      this.#waiting.push({ wish, resolve });
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
    const { confinement, limiting } = this.#options;
    const spawner = fork(spawnerProgram, [JSON.stringify(confinement), ...limiting], { env: {}, execArgv: [] });
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
    const pauseMs = Math.min(retryMs * 2 ** this.#failures, maxRetryMs);
    this.#failures += 1;
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#refill();
    }, pauseMs).unref();
  }

  #match(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const supervisor = this.#pick(next.wish);
      if (supervisor === undefined) break;
      this.#waiting.shift();
      next.resolve({ supervisor, session: this.#warm?.handOver(supervisor, next.wish) });
    }
    this.#warm?.tend(this.#spares);
    if (this.#waiting.length > 0) this.#refill();
    else setTimeout(() => this.#refill(), headStartMs).unref();
  }

  /** Takes one of the spares: of those that suit, the one that was used last, which runs fastest. */
  #pick(wish: WarmWish): Supervisor | undefined {
    const picked = this.#warm === undefined ? this.#spares.at(-1) : this.#warm.choose(this.#spares, wish);
    if (picked !== undefined) this.#spares.splice(this.#spares.indexOf(picked), 1);
    return picked;
  }

  get #warm(): WarmSpares | undefined {
    return this.#options.warm;
  }

  /** How many spares there are while nothing happens. */
  get #spareCount(): number {
    return spareCount + (this.#warm?.count ?? 0);
  }

  #refill(): void {
    const spawner = this.#spawner;
    if (this.#closed || spawner === undefined || this.#retry !== undefined) return;
    // What ails one ails all: one shall try, and the others when that one calls.
    const most = this.#failures > 0 ? 1 : Number.POSITIVE_INFINITY;
    const missing = () => this.#waiting.length + this.#spareCount - this.#spares.length - this.#starting;
    for (; missing() > 0 && this.#starting < most; this.#starting += 1) spawner.send("start");
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
      if (this.#closed) return;
      this.#warm?.lost(connection);
      this.#refill();
    });
    onReports(socket, (report) => {
      if (report.kind === "hello") this.#greet(connection, report);
      else if (report.kind === "free") this.#takeBack(connection);
      else if (report.kind === "warmed" || report.kind === "cooled")
        this.#warm?.heard(connection, report, this.#spares);
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
    this.#failures = 0;
    this.#spares.unshift(connection);
    this.#match();
  }

  #takeBack(connection: Connection): void {
    connection.free();
    if (this.#spares.length >= this.#spareCount + mostMore) {
      connection.command({ kind: "leave" });
      return;
    }
    this.#spares.push(connection);
    this.#quiet.refresh();
    this.#match();
  }

  /** Sends away the spares that only a burst of jobs needed, but none whose agent waits. */
  #trim(): void {
    const idle = this.#spares.filter((spare) => this.#warm?.has(spare) !== true);
    for (const surplus of idle.slice(0, Math.max(0, this.#spares.length - this.#spareCount))) {
      this.#spares.splice(this.#spares.indexOf(surplus), 1);
      surplus.command({ kind: "leave" });
    }
  }
}

const spawnerProgram = fileURLToPath(new URL("./spawner.ts", import.meta.url));
const spareCount = 1;
/** How many more are kept of those that come back from a job. */
const mostMore = 3;
/** How long, counted from the last job's end. */
const keptMs = 30_000;
/** The next spare leaves the machine to a job that begins until the job has, unless somebody waits for the spare. */
const headStartMs = 100;
const retryMs = 1_000;
const maxRetryMs = 30_000;

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
