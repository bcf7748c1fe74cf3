import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { type EarlyLaunch, type Launch, lineGapMs } from "../executor/executor.ts";
import { listExecutors } from "../executor/executors.ts";
import type { ModelDoor } from "../model-proxy/model-door.ts";
import { killSurvivors } from "../process/kill-group.ts";
import type { OutputPipes } from "../process/pipe.ts";
import { jobMarker } from "../process/process-table.ts";
import { type OutputListener, type ProcessStart, type StartedProcess, startProcess } from "../process/start-process.ts";
import { give } from "../sandbox/give.ts";
import type { NetworkNamespace } from "../sandbox/network-namespace.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { HeldBack } from "./held-back.ts";
import { jobEnvironment } from "./job-environment.ts";
import { openDoor } from "./open-model.ts";
import { sessionPaths, sessionRoot } from "./session-directory.ts";
import type { JobSettings } from "./settings.ts";

/** An agent to start before there is a job for it. */
export interface WarmAgentOptions {
  /** Name of its session. */
  readonly session: string;
  readonly agent: string;
  readonly settings: JobSettings;
  readonly sandbox: Sandbox;
  readonly network: NetworkNamespace | undefined;
  readonly takePipes: () => OutputPipes;
  /** How long it waits at most. */
  readonly maxWaitMs: number;
  /** It waits for a job. */
  readonly onReady: () => void;
  /** It waits no more and no job has it; nothing of it runs. Its directory is left. */
  readonly onGone: () => void;
}

/**
 * One agent that was started before there is a job for it: a process, the door to its model, and a session of its own,
 * which one job takes or none.
 */
export class WarmAgent {
  readonly door: ModelDoor;
  readonly #options: WarmAgentOptions;
  readonly #output = new HeldBack(maxHeldBytes, () => void this.discard());
  readonly #started: Promise<void>;
  #launch: EarlyLaunch | undefined;
  #process: StartedProcess | undefined;
  #age: NodeJS.Timeout | undefined;
  #state: "starting" | "ready" | "kept" | "used" | "gone" = "starting";
  #discarded: Promise<void> | undefined;

  constructor(options: WarmAgentOptions) {
    this.#options = options;
    this.door = openDoor(sessionPaths(options.session).modelSocket, options.sandbox, options.network);
    this.#started = this.#start().catch((error: unknown) => this.#fail(error));
  }

  /** Keeps it for the job whose session this is: it ages no more. False when it is not that job's, or does not wait. */
  keepFor(session: string): boolean {
    if (this.#state !== "ready" || session !== this.#options.session) return false;
    this.#state = "kept";
    clearTimeout(this.#age);
    return true;
  }

  /** How it was started. */
  get launch(): Launch {
    return this.#parts.launch;
  }

  /** Hands its process to the job that it was kept for, with what it has printed so far. */
  use(jobId: string, onOutput: OutputListener): ProcessStart {
    const { launch, process } = this.#parts;
    this.#state = "used";
    launch.tell({ [jobMarker]: jobId });
    this.#output.release(onOutput);
    return { kind: "started", process };
  }

  /** Ends it wholly, unless a job uses it; then that one does. */
  discard(): Promise<void> {
    if (this.#state === "used") return Promise.resolve();
    this.#discarded ??= this.#dismantle();
    return this.#discarded;
  }

  /** Ends it wholly, with its directory: nobody is there who would see to that. */
  async remove(): Promise<void> {
    await this.discard();
    await rm(sessionRoot(this.#options.session), { recursive: true, force: true });
  }

  get #parts() {
    if (this.#launch === undefined || this.#process === undefined) throw new Error("the agent was not started");
    return { launch: this.#launch, process: this.#process };
  }

  async #start(): Promise<void> {
    const { session, agent, settings, sandbox, takePipes, maxWaitMs } = this.#options;
    const early = listExecutors(settings.executors).get(agent)?.early;
    if (early === undefined) throw new Error(`${agent} cannot be started before there is a job`);
    const { workspace, home, tmp } = sessionPaths(session);
    for (const path of [sessionRoot(session), workspace, home, tmp]) mkdirSync(path, { mode: 0o700 });
    for (const path of [workspace, home, tmp]) give(sandbox, path);
    const model = { address: await this.door.open("socket"), token: this.door.token };
    this.#launch = await early.prepare({ settings: settings.executors, session, tmp, model });
    const { argv, env: added, readable, greeting } = this.#launch;
    const command = sandbox.confine({
      argv,
      env: jobEnvironment({ path: settings.path, home, tmp, added, id: session }),
      directory: workspace,
      writable: [workspace, home, tmp],
      readable,
      network: "proxied",
    });
    const start = await startProcess({
      command,
      stdin: "pipe",
      ...takePipes(),
      stdoutGapMs: lineGapMs,
      onOutput: (stream, data) => this.#heard(stream, data),
    });
    if (start.kind === "unstartable") throw new Error(`${argv[0]} cannot be started: ${start.code}`);
    this.#process = start.process;
    this.#process.stdin?.write(greeting);
    this.#age = setTimeout(() => void this.discard(), maxWaitMs);
    void this.#process.exited.then(() => this.#onExit());
  }

  async #onExit(): Promise<void> {
    if (this.#state !== "kept") await this.discard();
  }

  #heard(stream: "stdout" | "stderr", data: Uint8Array): void {
    this.#output.take(stream, data);
    if (this.#state !== "starting" || stream !== "stdout") return;
    this.#state = "ready";
    this.#options.onReady();
  }

  #fail(error: unknown): void {
    process.stderr.write(`warm agent: ${error instanceof Error ? error.message : String(error)}\n`);
    // Not waited for: it waits for the start itself.
    void this.discard();
  }

  async #dismantle(): Promise<void> {
    this.#state = "gone";
    await this.#started;
    clearTimeout(this.#age);
    await killSurvivors([this.#options.session], this.#process?.identity);
    await this.#process?.exited;
    this.#process?.close();
    this.door.close();
    this.#options.onGone();
  }
}

/** Far more than an agent prints that has nothing to do. */
const maxHeldBytes = 1 << 20;
