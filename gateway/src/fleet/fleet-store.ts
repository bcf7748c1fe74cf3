/** The SQLite of the fleet: runners, queue, leases, and the index of Jobs. Every method is synchronous. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type RunnerInfo, RunnerInfoSchema } from "#gen/fleet/v1/runner_pb.js";
import { type Job, JobSchema } from "#gen/job/v1/job_pb.js";
import type { ListJobsRequest } from "#gen/job/v1/job_service_pb.js";
import { executorOf } from "../executor-of.ts";
import { listQuery, listShape, searchText } from "./job-index.ts";
import type { QueuedJob } from "./queue.ts";

/** What is known about a runner. */
export interface KnownRunner {
  readonly name: string;
  readonly url: string;
  /** From RUNNER_URL, not added by a call. */
  readonly configured: boolean;
  /** An operator wants it to take no new Jobs. */
  readonly drained: boolean;
  /** When it last answered; 0 when it never did. */
  readonly seenMs: number;
  readonly latencyMs: number;
  /** Why it does not answer, or refuses; empty when all is well. */
  readonly problem: string;
  /** True when it answers, but not as a runner of ours. */
  readonly misconfigured: boolean;
  readonly info: RunnerInfo | undefined;
}

/** A slot taken by a Job. */
export interface SlotLease {
  readonly jobId: string;
  readonly runner: string;
  /** When it was offered; the offer goes back when it is not accepted in time. */
  readonly offeredMs: number;
  readonly accepted: boolean;
}

export class FleetStore {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS runners (
        name TEXT PRIMARY KEY, url TEXT NOT NULL UNIQUE, configured INTEGER NOT NULL, drained INTEGER NOT NULL,
        seen_ms INTEGER NOT NULL, latency_ms REAL NOT NULL, problem TEXT NOT NULL, misconfigured INTEGER NOT NULL, info BLOB);
      CREATE TABLE IF NOT EXISTS queue (
        job_id TEXT PRIMARY KEY, priority INTEGER NOT NULL, created_ms INTEGER NOT NULL, executor TEXT NOT NULL,
        labels TEXT NOT NULL, bound_to TEXT NOT NULL, bound_until_ms INTEGER NOT NULL);
      CREATE INDEX IF NOT EXISTS queue_order ON queue (priority DESC, created_ms, job_id);
      CREATE TABLE IF NOT EXISTS leases (
        job_id TEXT PRIMARY KEY, runner TEXT NOT NULL, offered_ms INTEGER NOT NULL, accepted INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS jobs (
        id TEXT PRIMARY KEY, revision INTEGER NOT NULL UNIQUE, job_revision INTEGER NOT NULL, created_ms INTEGER NOT NULL,
        state INTEGER NOT NULL, type TEXT NOT NULL, runner TEXT NOT NULL, labels TEXT NOT NULL, search TEXT NOT NULL,
        job BLOB NOT NULL);
      CREATE INDEX IF NOT EXISTS jobs_age ON jobs (created_ms DESC, id DESC);
      CREATE TABLE IF NOT EXISTS deleted (revision INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE)`);
  }

  transaction<Result>(write: () => Result): Result {
    return this.#storage.transactionSync(write);
  }

  runners(): readonly KnownRunner[] {
    return this.#storage.sql.exec<RunnerRow>("SELECT * FROM runners ORDER BY name").toArray().map(rowToRunner);
  }

  saveRunner(runner: KnownRunner): void {
    const { name, url, configured, drained, seenMs, latencyMs, problem, misconfigured, info } = runner;
    const blob = info === undefined ? null : toBinary(RunnerInfoSchema, info);
    const flags = [Number(configured), Number(drained)] as const;
    const values = [name, url, ...flags, seenMs, latencyMs, problem, Number(misconfigured), blob] as const;
    this.#storage.sql.exec("INSERT OR REPLACE INTO runners VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", ...values);
  }

  /** Renames a runner, in the slots that are taken too. */
  renameRunner(name: string, newName: string): void {
    this.#storage.sql.exec("UPDATE runners SET name = ? WHERE name = ?", newName, name);
    this.#storage.sql.exec("UPDATE leases SET runner = ? WHERE runner = ?", newName, name);
    this.#storage.sql.exec("UPDATE queue SET bound_to = ? WHERE bound_to = ?", newName, name);
  }

  deleteRunner(name: string): void {
    this.#storage.sql.exec("DELETE FROM runners WHERE name = ?", name);
  }

  /** Puts a Job into the queue, unless it is there or has a slot. */
  enqueue(job: Job): void {
    const [found] = this.#storage.sql.exec("SELECT job_id FROM leases WHERE job_id = ?", job.id).toArray();
    if (found !== undefined) return;
    const boundTo = this.#runnerOf(job.continues);
    this.#storage.sql.exec(
      "INSERT OR IGNORE INTO queue VALUES (?, ?, ?, ?, ?, ?, ?)",
      job.id,
      job.spec?.priority ?? 0,
      createdMs(job),
      executorOf(job.spec),
      JSON.stringify(job.spec?.runnerLabels ?? []),
      boundTo,
      // Nobody else ever has the session that it continues.
      boundTo === "" ? 0 : Number.MAX_SAFE_INTEGER,
    );
  }

  /** Jobs without a slot, in the order in which they are served. */
  *queue(): Iterable<QueuedJob> {
    const query = `SELECT * FROM queue WHERE job_id NOT IN (SELECT job_id FROM leases)
      ORDER BY priority DESC, created_ms, job_id LIMIT ? OFFSET ?`;
    for (let offset = 0; ; offset += queuePage) {
      // A cursor that is left before its end stays open, and slows down every later query.
      const rows = this.#storage.sql.exec<QueueRow>(query, queuePage, offset).toArray();
      yield* rows.map(rowToQueuedJob);
      if (rows.length < queuePage) return;
    }
  }

  /** True while a Job waits for a slot. */
  isAwaited(): boolean {
    const query = "SELECT 1 FROM queue WHERE job_id NOT IN (SELECT job_id FROM leases) LIMIT 1";
    return this.#storage.sql.exec(query).toArray().length > 0;
  }

  /** A Job without a slot and its place among them, from 1; undefined when it is not in the queue or has a slot. */
  queued(jobId: string): { readonly job: QueuedJob; readonly position: number } | undefined {
    const [row] = this.#storage.sql
      .exec<QueueRow & { position: number }>(
        `SELECT *, (SELECT count(*) FROM queue AS other
            WHERE (-other.priority, other.created_ms, other.job_id) <= (-queue.priority, queue.created_ms, queue.job_id)
            AND other.job_id NOT IN (SELECT job_id FROM leases)) AS position
          FROM queue WHERE job_id = ? AND job_id NOT IN (SELECT job_id FROM leases)`,
        jobId,
      )
      .toArray();
    return row && { job: rowToQueuedJob(row), position: row.position };
  }

  /** Jobs that wait or are about to start. */
  queueLength(): number {
    return this.#storage.sql.exec<{ length: number }>("SELECT count(*) AS length FROM queue").one().length;
  }

  isQueued(jobId: string): boolean {
    return this.#storage.sql.exec("SELECT job_id FROM queue WHERE job_id = ?", jobId).toArray().length > 0;
  }

  leases(): readonly SlotLease[] {
    return this.#storage.sql.exec<LeaseRow>("SELECT * FROM leases").toArray().map(rowToLease);
  }

  lease({ jobId, runner, offeredMs, accepted }: SlotLease): void {
    const query = "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?)";
    this.#storage.sql.exec(query, jobId, runner, offeredMs, Number(accepted));
  }

  /** Notes that a runner took the Job it was offered, unless the slot has been given back meanwhile. */
  accept(jobId: string): void {
    this.#storage.sql.exec("UPDATE leases SET accepted = 1 WHERE job_id = ?", jobId);
  }

  /** Gives a slot back; the Job stands in the queue again, in its old place. */
  unlease(jobId: string): void {
    this.#storage.sql.exec("DELETE FROM leases WHERE job_id = ?", jobId);
  }

  /** Keeps a Job for one runner until then, or for longer if it is the only one that it has. */
  bind(jobId: string, runner: string, untilMs: number): void {
    const query = "UPDATE queue SET bound_to = ?, bound_until_ms = max(bound_until_ms, ?) WHERE job_id = ?";
    this.#storage.sql.exec(query, runner, untilMs, jobId);
  }

  /** Where a Job ran; empty when it did not, or is not known. */
  #runnerOf(jobId: string): string {
    const query = "SELECT runner FROM jobs WHERE id = ?";
    return this.#storage.sql.exec<{ runner: string }>(query, jobId).toArray()[0]?.runner ?? "";
  }

  /** Takes a Job out of the queue. */
  dequeue(jobId: string): void {
    this.#storage.sql.exec("DELETE FROM queue WHERE job_id = ?", jobId);
  }

  /** Newest revision of the list. */
  revision(): number {
    const jobs = "SELECT coalesce(max(revision), 0) AS revision FROM jobs";
    const deleted = "SELECT coalesce(max(revision), 0) AS revision FROM deleted";
    const newest = (query: string) => this.#storage.sql.exec<{ revision: number }>(query).one().revision;
    return Math.max(newest(jobs), newest(deleted));
  }

  /** Writes a Job into the index. False, and nothing is changed, when the indexed revision is as new or it was deleted. */
  index(job: Job): boolean {
    const known = "SELECT job_revision FROM jobs WHERE id = ?";
    const [row] = this.#storage.sql.exec<{ job_revision: number }>(known, job.id).toArray();
    if ((row !== undefined && row.job_revision >= job.revision) || this.wasForgotten(job.id)) return false;
    const { labels, text } = searchText(job);
    this.#storage.sql.exec(
      "INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      job.id,
      this.revision() + 1,
      job.revision,
      createdMs(job),
      job.status?.state ?? 0,
      executorOf(job.spec),
      job.placement?.runner ?? "",
      labels,
      text,
      toBinary(JobSchema, listShape(job)),
    );
    return true;
  }

  /** True for a Job that was deleted. */
  wasForgotten(jobId: string): boolean {
    return this.#storage.sql.exec("SELECT id FROM deleted WHERE id = ?", jobId).toArray().length > 0;
  }

  /** Removes every trace of a Job but one for those who watch the list. */
  forget(jobId: string): void {
    this.dequeue(jobId);
    this.unlease(jobId);
    const revision = this.revision() + 1;
    const { rowsWritten } = this.#storage.sql.exec("DELETE FROM jobs WHERE id = ?", jobId);
    if (rowsWritten > 0) this.#storage.sql.exec("INSERT INTO deleted VALUES (?, ?)", revision, jobId);
  }

  /** A page of Jobs, the newest first, and one more if there are more. */
  list(request: ListJobsRequest, limit: number): readonly Job[] {
    const { where, values } = listQuery(request);
    const query = `SELECT job FROM jobs WHERE ${where} ORDER BY created_ms DESC, id DESC LIMIT ?`;
    return this.#storage.sql
      .exec<{ job: ArrayBuffer }>(query, ...values, limit)
      .toArray()
      .map(rowToJob);
  }

  /** Jobs of these ids, as indexed. */
  jobs(ids: readonly string[]): readonly Job[] {
    const query = "SELECT job FROM jobs WHERE id IN (SELECT value FROM json_each(?))";
    return this.#storage.sql.exec<{ job: ArrayBuffer }>(query, JSON.stringify(ids)).toArray().map(rowToJob);
  }

  /** What changed in the list after a revision, in order, at most `limit` changes. */
  changesAfter(revision: number, limit: number): readonly ListChange[] {
    const query = `SELECT revision, job, NULL AS id FROM jobs WHERE revision > ?1
      UNION ALL SELECT revision, NULL, id FROM deleted WHERE revision > ?1 ORDER BY revision LIMIT ?2`;
    return this.#storage.sql.exec<ChangeRow>(query, revision, limit).toArray().map(rowToChange);
  }
}

/** Rows of the queue that are read at once. */
const queuePage = 200;

/** A change of the list: a Job that is new or changed, or the id of one that was deleted. */
export type ListChange = { readonly revision: number } & ({ readonly job: Job } | { readonly deletedId: string });

type RunnerRow = {
  name: string;
  url: string;
  configured: number;
  drained: number;
  seen_ms: number;
  latency_ms: number;
  problem: string;
  misconfigured: number;
  info: ArrayBuffer | null;
};
type QueueRow = { job_id: string; executor: string; labels: string; bound_to: string; bound_until_ms: number };
type LeaseRow = { job_id: string; runner: string; offered_ms: number; accepted: number };
type ChangeRow = { revision: number; job: ArrayBuffer | null; id: string | null };

function rowToRunner(row: RunnerRow): KnownRunner {
  return {
    name: row.name,
    url: row.url,
    configured: row.configured === 1,
    drained: row.drained === 1,
    seenMs: row.seen_ms,
    latencyMs: row.latency_ms,
    problem: row.problem,
    misconfigured: row.misconfigured === 1,
    info: row.info === null ? undefined : fromBinary(RunnerInfoSchema, new Uint8Array(row.info)),
  };
}

function rowToQueuedJob({ job_id: id, executor, labels, bound_to, bound_until_ms }: QueueRow): QueuedJob {
  return { id, executor, labels: JSON.parse(labels), boundTo: bound_until_ms > Date.now() ? bound_to : "" };
}

function rowToLease(row: LeaseRow): SlotLease {
  return { jobId: row.job_id, runner: row.runner, offeredMs: row.offered_ms, accepted: row.accepted === 1 };
}

function rowToJob({ job }: { job: ArrayBuffer }): Job {
  return fromBinary(JobSchema, new Uint8Array(job));
}

function rowToChange({ revision, job, id }: ChangeRow): ListChange {
  return job === null ? { revision, deletedId: String(id) } : { revision, job: rowToJob({ job }) };
}

function createdMs({ createTime }: Job): number {
  return Number(createTime?.seconds ?? 0n) * 1000 + Math.floor((createTime?.nanos ?? 0) / 1e6);
}
