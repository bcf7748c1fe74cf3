/** The asks of all Jobs as the fleet lists them: the open ones, and those that closed not long ago. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Ask, AskSchema, AskState } from "#gen/job/v1/ask_pb.js";
import { type AskPage, type AskPageWish, type AskSql, askPage } from "../ask-page.ts";
import type { AskReport } from "../ask-report.ts";

/** An open ask with what rules look at in its Job. */
export interface OpenAsk {
  readonly ask: Ask;
  /** As in JobSpec.repo_ref, without "@ref". */
  readonly repository: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Closed asks are kept for so long … */
const keptMs = 30 * 24 * 3_600_000;
/** … and so many of them. */
const keptCount = 2_000;

/** Every method is synchronous. */
export class AskIndex {
  readonly #sql: AskSql;

  constructor(sql: AskSql) {
    this.#sql = sql;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS asks (
        id TEXT PRIMARY KEY, job_id TEXT NOT NULL, created_ms INTEGER NOT NULL, closed_ms INTEGER NOT NULL,
        state INTEGER NOT NULL, repository TEXT NOT NULL, labels TEXT NOT NULL, ask BLOB NOT NULL);
      CREATE INDEX IF NOT EXISTS asks_age ON asks (created_ms, id);
      CREATE INDEX IF NOT EXISTS asks_state ON asks (state, closed_ms);
      CREATE INDEX IF NOT EXISTS asks_job ON asks (job_id)`);
  }

  /** Takes the asks of a report; a closed one never opens again. Returns those that were not decided here before. */
  take({ jobId, repoRef, labels, asks }: AskReport): readonly Ask[] {
    const newlyDecided = asks.filter(({ id, state }) => state === AskState.DECIDED && !this.#isClosed(id));
    for (const ask of asks) {
      this.#sql.exec(
        `INSERT INTO asks VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
         SET state = excluded.state, closed_ms = excluded.closed_ms, ask = excluded.ask
         WHERE asks.job_id = excluded.job_id AND (asks.state = ${AskState.OPEN} OR excluded.state <> ${AskState.OPEN})`,
        ask.id,
        jobId,
        ask.createTime === undefined ? 0 : timestampMs(ask.createTime),
        ask.state === AskState.OPEN ? 0 : Date.now(),
        ask.state,
        repositoryOf(repoRef),
        JSON.stringify(labels),
        toBinary(AskSchema, ask),
      );
    }
    return newlyDecided;
  }

  /** A page of them, the oldest first. */
  list(wish: AskPageWish): AskPage {
    return askPage(this.#sql, wish);
  }

  /** The open ones, the oldest first. */
  *open(): Iterable<OpenAsk> {
    const query = "SELECT repository, labels, ask FROM asks WHERE state = ? ORDER BY created_ms, id";
    for (const { repository, labels, ask } of this.#sql.exec<OpenRow>(query, AskState.OPEN)) {
      yield { repository, labels: JSON.parse(labels), ask: fromBinary(AskSchema, new Uint8Array(ask)) };
    }
  }

  /** The asks of these ids, the oldest first. */
  *find(askIds: readonly string[]): Iterable<Ask> {
    const query = "SELECT ask FROM asks WHERE id IN (SELECT value FROM json_each(?)) ORDER BY created_ms, id";
    for (const { ask } of this.#sql.exec<{ ask: ArrayBuffer }>(query, JSON.stringify(askIds))) {
      yield fromBinary(AskSchema, new Uint8Array(ask));
    }
  }

  /** The Jobs of these asks, by their ids, as far as they are known. */
  jobsOf(askIds: readonly string[]): ReadonlyMap<string, string> {
    const query = "SELECT id, job_id FROM asks WHERE id IN (SELECT value FROM json_each(?))";
    const rows = this.#sql.exec<{ id: string; job_id: string }>(query, JSON.stringify(askIds)).toArray();
    return new Map(rows.map(({ id, job_id }) => [id, job_id]));
  }

  /** Removes the asks of a deleted Job. */
  forget(jobId: string): void {
    this.#sql.exec("DELETE FROM asks WHERE job_id = ?", jobId);
  }

  /** Removes closed asks that are too old or too many. */
  prune(nowMs: number): void {
    this.#sql.exec(
      `DELETE FROM asks WHERE state <> ?1 AND (closed_ms < ?2 OR id NOT IN (
         SELECT id FROM asks WHERE state <> ?1 ORDER BY closed_ms DESC LIMIT ?3))`,
      AskState.OPEN,
      nowMs - keptMs,
      keptCount,
    );
  }

  #isClosed(id: string): boolean {
    const query = "SELECT id FROM asks WHERE id = ? AND state <> ?";
    return this.#sql.exec(query, id, AskState.OPEN).toArray().length > 0;
  }
}

type OpenRow = { repository: string; labels: string; ask: ArrayBuffer };

/** A repo_ref without its "@ref". */
export function repositoryOf(repoRef: string): string {
  const [, repository = repoRef] = /^((?:[a-z]+:\/\/)?[^@]*)@/i.exec(repoRef) ?? [];
  return repository;
}
