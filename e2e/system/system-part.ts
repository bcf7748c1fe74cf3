import type { Guard } from "../../scripts/start/guard.ts";
import { waitForAnswer } from "../../scripts/start/health.ts";
import type { PartSpec } from "../../scripts/start/part.ts";
import { type ProcessGroup, startGroup } from "../../scripts/start/process-group.ts";
import { endGroup, processesOfGroup } from "./processes.ts";

/** Runner or gateway of a test's system: what a test may do to it. */
export class SystemPart {
  readonly #spec: PartSpec;
  readonly #guard: Guard;
  #group: ProcessGroup | undefined;

  constructor(spec: PartSpec, guard: Guard) {
    this.#spec = spec;
    this.#guard = guard;
  }

  /** Its processes, by pid; a gateway's workerd is one of them, a runner's supervisors are not. */
  get processes(): ReadonlyMap<number, string> {
    const id = this.#group?.id;
    return id === undefined ? new Map() : processesOfGroup(id);
  }

  /** Of the program itself. */
  get pid(): number {
    if (this.#group?.id === undefined) throw new Error(`the ${this.#spec.name} does not run`);
    return this.#group.id;
  }

  /** What it printed last. */
  get lastLines(): readonly string[] {
    return this.#spec.log.tail();
  }

  /** Starts it, on the same state and port as before; settles when it answers. */
  async start(): Promise<void> {
    const { command, healthUrl, log, name } = this.#spec;
    const group = startGroup(command, this.#guard, (line) => log.append(line));
    this.#group = group;
    const answered = new AbortController();
    const problem = await Promise.race([
      group.exited,
      waitForAnswer(healthUrl, answered.signal).then(() => undefined),
    ]).finally(() => answered.abort());
    if (problem !== undefined) throw new Error(`the ${name} ${problem}:\n${this.lastLines.join("\n")}`);
  }

  /** Sends a signal to the program, and settles when it has ended and what it leaves of its group is killed. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const group = this.#group;
    if (group?.id === undefined) return;
    group.signal(signal);
    await group.exited;
    await endGroup(group.id);
    this.#guard.forget(group.id);
    this.#group = undefined;
  }

  /** Ends it as `npm start` does. */
  async stop(): Promise<void> {
    const late = setTimeout(() => void this.kill("SIGKILL"), stopMs);
    await this.kill(this.#spec.stopSignal);
    clearTimeout(late);
  }
}

/** Jobs that ignore signals take the runner a good part of this. */
const stopMs = 10_000;
