import { setTimeout as delay } from "node:timers/promises";
import { StartFailure } from "./failure.ts";
import type { Guard } from "./guard.ts";
import { waitForAnswer, waitForSilence } from "./health.ts";
import type { LogFile } from "./log-file.ts";
import { type Command, type ProcessGroup, startGroup } from "./process-group.ts";
import { chooseRemedy } from "./restart.ts";

/** A program of the system, and how to tell whether it is well. */
export interface PartSpec {
  readonly name: string;
  readonly command: Command;
  /** Answers 2xx while the part is well. */
  readonly healthUrl: string;
  /** How long its first answer may take. */
  readonly startMs: number;
  /** Asks it to end by itself. */
  readonly stopSignal: NodeJS.Signals;
  readonly log: LogFile;
  /** What is wrong with it if it prints this line. */
  readonly findFault?: (line: string) => string | undefined;
}

/** One part of the system, kept up from its first start until it is stopped. */
export class Part {
  readonly #spec: PartSpec;
  readonly #guard: Guard;
  #isStopping = false;
  #running: { readonly group: ProcessGroup; readonly fault: Promise<string> } | undefined;

  constructor(spec: PartSpec, guard: Guard) {
    this.#spec = spec;
    this.#guard = guard;
  }

  /** Starts it, and settles once it answers. Rejects with a StartFailure that tells why it does not. */
  async start(): Promise<void> {
    const problem = await this.#launch();
    if (problem !== undefined && !this.#isStopping) throw this.#failure(`did not come up: it ${problem}`);
  }

  /** Brings it back whenever it dies; settles once it is stopped. Rejects with a StartFailure when it keeps dying. */
  async keepUp(say: (line: string) => void): Promise<void> {
    const deathsMs: number[] = [];
    let problem = await this.#trouble();
    while (!this.#isStopping) {
      const diedMs = performance.now();
      deathsMs.push(diedMs);
      await this.#running?.group.end();
      const remedy = chooseRemedy(deathsMs);
      if (remedy.kind === "give-up") throw this.#failure(`keeps dying and is given up: it ${problem}`);
      await delay(remedy.delayMs);
      if (this.#isStopping) return;
      const newProblem = await this.#launch();
      if (newProblem === undefined) {
        say(
          `The ${this.#spec.name} ${problem}; it is back after ${((performance.now() - diedMs) / 1000).toFixed(1)} s`,
        );
      }
      problem = newProblem ?? (await this.#trouble());
    }
  }

  /** Asks it to end, again if it was asked before, and ends what is left of it after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    if (!this.#running) return;
    const { group } = this.#running;
    group.signal(this.#spec.stopSignal);
    await Promise.race([group.exited, delay(graceMs, undefined, { ref: false })]);
    await group.end();
  }

  /** What kept it from answering, if anything did. */
  async #launch(): Promise<string | undefined> {
    const { command, findFault, healthUrl, log, startMs } = this.#spec;
    const { promise: fault, resolve: reportFault } = Promise.withResolvers<string>();
    const group = startGroup(command, this.#guard, (line) => {
      log.append(line);
      const found = findFault?.(line);
      if (found !== undefined) reportFault(found);
    });
    this.#running = { group, fault };
    const answered = new AbortController();
    try {
      return await Promise.race([
        group.exited,
        fault,
        waitForAnswer(healthUrl, answered.signal).then(() => undefined),
        delay(startMs, `did not answer at ${healthUrl} within ${startMs / 1000} s`, { signal: answered.signal }),
      ]);
    } finally {
      answered.abort();
    }
  }

  /** Settles when it is no longer well, with what is the matter. */
  async #trouble(): Promise<string> {
    if (!this.#running) throw new Error(`the ${this.#spec.name} was never started`);
    const { group, fault } = this.#running;
    const over = new AbortController();
    try {
      return await Promise.race([
        group.exited,
        fault,
        waitForSilence(this.#spec.healthUrl, over.signal).then(() => "stopped answering"),
      ]);
    } finally {
      over.abort();
    }
  }

  #failure(what: string): StartFailure {
    const { name, log } = this.#spec;
    const lines = log.tail().map((line) => `\n  ${line.slice(0, 500)}`);
    return new StartFailure(`the ${name} ${what}. Its last lines, from ${log.path}:${lines.join("")}`);
  }
}
