/** The SQLite of one JobObject: its Job, what the gateway remembers about it, and its events. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Actor, ActorSchema, type Job, JobSchema } from "#gen/job/v1/job_pb.js";
import { Artifacts } from "./artifacts.ts";
import { AskStore } from "./ask-store.ts";
import { DiffStore } from "./diff-store.ts";
import { MessageStore } from "./message-store.ts";

/** Where an attempt was sent. */
export interface Holder {
  /** Name of the runner in the fleet. */
  readonly runner: string;
  readonly url: string;
  readonly attempt: number;
  /** `starting`: StartJob was sent and no answer has come; `held`: accepted; `released`: over, only to be cleaned up. */
  readonly phase: "starting" | "held" | "released";
  /** When it was offered or accepted. */
  readonly sinceMs: number;
}

/** What the gateway remembers about a Job beside the Job itself. */
export interface Memory {
  readonly job: Job;
  /** SHA-256 of the request that created it, for its idempotency key. */
  readonly requestDigest: Uint8Array;
  readonly holder: Holder | undefined;
  /** Who wants it stopped. */
  readonly canceler: Actor | undefined;
  /** Attempts that were sent to a runner so far. */
  readonly attempts: number;
  /** Revision of the Job that the fleet's index has. */
  readonly indexedRevision: number;
}

/** A run of whole envelopes as they are stored and forwarded. */
export interface Frames {
  /** Numbers of the first and last event. */
  readonly first: number;
  readonly last: number;
  /** Lines of output begun before it. */
  readonly lines: number;
  /** The envelopes, one behind the other. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Reads and writes the tables of one JobObject. Every method is synchronous and atomic. */
export class JobStore {
  readonly asks: AskStore;
  readonly messages: MessageStore;
  readonly diff: DiffStore;
  readonly artifacts: Artifacts;
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.asks = new AskStore(storage);
    this.messages = new MessageStore(storage);
    this.diff = new DiffStore(storage);
    this.artifacts = new Artifacts(storage);
  }

  /** Makes the tables; an object that nobody created a Job in stores nothing. */
  prepare(): void {
    this.#storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS job (
        only INTEGER PRIMARY KEY CHECK (only = 1), job BLOB NOT NULL, request_digest BLOB NOT NULL, holder TEXT,
        canceler BLOB, attempts INTEGER NOT NULL, indexed_revision INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS frames (
        first INTEGER PRIMARY KEY, last INTEGER NOT NULL, lines INTEGER NOT NULL, bytes BLOB NOT NULL);
      CREATE TABLE IF NOT EXISTS origin (only INTEGER PRIMARY KEY CHECK (only = 1), origin TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS deleted (only INTEGER PRIMARY KEY CHECK (only = 1))`);
    this.asks.prepare();
    this.messages.prepare();
    this.diff.prepare();
    this.artifacts.prepare();
  }

  /** Runs several writes as one. */
  transaction<Result>(write: () => Result): Result {
    return this.#storage.transactionSync(write);
  }

  /** What is stored of the Job, if it exists. */
  load(): Memory | undefined {
    if (!this.#isPrepared()) return undefined;
    // A Job of an earlier version lacks the newer tables.
    this.prepare();
    const [row] = this.#storage.sql.exec<MemoryRow>("SELECT * FROM job").toArray();
    return row === undefined ? undefined : rowToMemory(row);
  }

  /** True when there was a Job here that was deleted. */
  wasDeleted(): boolean {
    return this.#isPrepared() && this.#isDeleted();
  }

  #isPrepared(): boolean {
    return this.#storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'deleted'").toArray().length > 0;
  }

  #isDeleted(): boolean {
    return this.#storage.sql.exec("SELECT only FROM deleted").toArray().length > 0;
  }

  /** Stores what is remembered; of a deleted Job nothing is, whoever still works on it. */
  save(memory: Memory): void {
    if (this.#isDeleted()) return;
    const { job, requestDigest, holder, canceler, attempts, indexedRevision } = memory;
    this.#storage.sql.exec(
      "INSERT OR REPLACE INTO job VALUES (1, ?, ?, ?, ?, ?, ?)",
      toBinary(JobSchema, job),
      requestDigest,
      holder === undefined ? null : JSON.stringify(holder),
      canceler === undefined ? null : toBinary(ActorSchema, canceler),
      attempts,
      indexedRevision,
    );
  }

  /** Remembers where the Job's creator reached the gateway. */
  saveOrigin(origin: string): void {
    this.#storage.sql.exec("INSERT INTO origin VALUES (1, ?)", origin);
  }

  /** Where people find the Job; empty when nobody knows. */
  jobUrl(id: string): string {
    const [row] = this.#storage.sql.exec<{ origin: string }>("SELECT origin FROM origin").toArray();
    return row === undefined || row.origin === "" ? "" : `${row.origin}/jobs/${id}`;
  }

  append({ first, last, lines, bytes }: Frames): void {
    this.#storage.sql.exec("INSERT INTO frames VALUES (?, ?, ?, ?)", first, last, lines, bytes);
  }

  /** Number of the newest stored event, 0 when there is none. */
  newest(): number {
    return this.#storage.sql.exec<{ last: number }>("SELECT coalesce(max(last), 0) AS last FROM frames").one().last;
  }

  /** The stored frames that hold the event after this one, if they are stored. */
  framesAfter(sequence: number): Frames | undefined {
    return this.#frames(
      "SELECT * FROM frames WHERE first <= ? AND last >= ? ORDER BY first DESC LIMIT 1",
      sequence + 1,
    );
  }

  /** The stored frames in which a line of output begins. */
  framesOfLine(line: number): Frames | undefined {
    return this.#frames("SELECT * FROM frames WHERE lines < ? AND ? > 0 ORDER BY first DESC LIMIT 1", line);
  }

  /** Deletes everything and remembers that there was something. */
  async deleteAll(): Promise<void> {
    this.asks.deleteAll();
    this.messages.deleteAll();
    this.diff.deleteAll();
    this.artifacts.deleteAll();
    this.#storage.sql.exec(
      "DELETE FROM job; DELETE FROM frames; DELETE FROM origin; INSERT OR IGNORE INTO deleted VALUES (1)",
    );
    await this.#storage.deleteAlarm();
  }

  #frames(query: string, key: number): Frames | undefined {
    const [row] = this.#storage.sql.exec<FramesRow>(query, key, key).toArray();
    return row === undefined ? undefined : { ...row, bytes: new Uint8Array(row.bytes) };
  }
}

type MemoryRow = {
  job: ArrayBuffer;
  request_digest: ArrayBuffer;
  holder: string | null;
  canceler: ArrayBuffer | null;
  attempts: number;
  indexed_revision: number;
};

type FramesRow = { first: number; last: number; lines: number; bytes: ArrayBuffer };

function rowToMemory(row: MemoryRow): Memory {
  return {
    job: fromBinary(JobSchema, new Uint8Array(row.job)),
    requestDigest: new Uint8Array(row.request_digest),
    holder: row.holder === null ? undefined : (JSON.parse(row.holder) as Holder),
    canceler: row.canceler === null ? undefined : fromBinary(ActorSchema, new Uint8Array(row.canceler)),
    attempts: row.attempts,
    indexedRevision: row.indexed_revision,
  };
}
