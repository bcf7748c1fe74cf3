import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";

/** Where the ledgers are, in the data directory, a file for each day of UTC. */
export const ledgerDirectory = "spending";

/** A ledger of the spending of a day, as anybody who keeps a budget sees it. */
export interface Ledger {
  /** Adds what a job spent just now. */
  add(jobId: string, micros: number): void;
  /** What all jobs have spent since midnight UTC. */
  spentMicros(): number;
}

/**
 * What the jobs of a runner spend a day: a line for each request, "micros job", which the supervisors append to one file.
 * A line is written at once, so lines of several writers never mix.
 */
export class DayLedger implements Ledger {
  readonly #directory: string;
  readonly #now: () => number;
  /** How far the file of which day has been read. */
  #read = { day: "", bytes: 0, micros: 0 };

  constructor(directory: string, now: () => number) {
    this.#directory = directory;
    this.#now = now;
  }

  add(jobId: string, micros: number): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const file = openSync(this.#path(dayOf(this.#now())), "a", 0o600);
    try {
      writeSync(file, `${micros} ${jobId}\n`);
    } finally {
      closeSync(file);
    }
  }

  spentMicros(): number {
    const day = dayOf(this.#now());
    if (this.#read.day !== day) this.#read = { day, bytes: 0, micros: 0 };
    const lines = this.#readOn().split("\n");
    // The last line may still be coming.
    this.#read.bytes += Buffer.byteLength(lines.join("\n")) - Buffer.byteLength(lines.pop() ?? "");
    for (const line of lines) this.#read.micros += Number(/^\d+/.exec(line)?.[0] ?? 0);
    return this.#read.micros;
  }

  #readOn(): string {
    const path = this.#path(this.#read.day);
    if (!existsSync(path)) return "";
    const file = openSync(path, "r");
    try {
      const news = Buffer.alloc(Math.max(0, fstatSync(file).size - this.#read.bytes));
      return news.toString("latin1", 0, readSync(file, news, { position: this.#read.bytes }));
    } finally {
      closeSync(file);
    }
  }

  #path(day: string): string {
    return `${this.#directory}/${day}`;
  }
}

/** Such as "2026-11-22". */
function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** How long the day of UTC still lasts. */
export function untilMidnightMs(nowMs: number): number {
  return dayMs - (nowMs % dayMs);
}

const dayMs = 86_400_000;
