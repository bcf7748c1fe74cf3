/** What runners keep of Jobs that were deleted while they could not be told. */
import type { LeftAttempt } from "../left-attempt.ts";

export class LeftBehind {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS left_behind (
      job_id TEXT PRIMARY KEY, runner TEXT NOT NULL, attempt INTEGER NOT NULL)`);
  }

  add(jobId: string, { runner, attempt }: LeftAttempt): void {
    this.#sql.exec("INSERT OR REPLACE INTO left_behind VALUES (?, ?, ?)", jobId, runner, attempt);
  }

  /** The oldest of what a runner is to forget. */
  at(runner: string): readonly { readonly jobId: string; readonly attempt: number }[] {
    const query = "SELECT job_id, attempt FROM left_behind WHERE runner = ? ORDER BY rowid LIMIT 100";
    return this.#sql
      .exec<{ job_id: string; attempt: number }>(query, runner)
      .toArray()
      .map(({ job_id: jobId, attempt }) => ({ jobId, attempt }));
  }

  /** The runner has forgotten it. */
  delete(jobId: string): void {
    this.#sql.exec("DELETE FROM left_behind WHERE job_id = ?", jobId);
  }
}
