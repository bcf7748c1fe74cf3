/** What a Job changed, as it is kept once the Job has ended: a file a row. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Diff, DiffSchema, FileDiffSchema } from "#gen/job/v1/job_service_pb.js";

/** What is kept of a diff. */
export type KeptDiff =
  | { readonly kind: "kept"; readonly diff: Diff }
  /** It could not be read from the runner: one lower-case fact. */
  | { readonly kind: "unreadable"; readonly why: string };

/** Which files of a diff are wanted, and how much of them. */
export interface DiffWish {
  /** Only this file; empty: all. */
  readonly path: string;
  readonly statOnly: boolean;
}

export class DiffStore {
  readonly #sql: SqlStorage;

  constructor({ sql }: DurableObjectStorage) {
    this.#sql = sql;
  }

  /** Makes the tables. */
  prepare(): void {
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS diff (only INTEGER PRIMARY KEY CHECK (only = 1), diff BLOB, why TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS diff_files (
        position INTEGER PRIMARY KEY, path TEXT NOT NULL, stat BLOB NOT NULL, file BLOB NOT NULL)`);
  }

  /** True once a diff is kept, or known to be unreadable. */
  get isKept(): boolean {
    return this.#sql.exec("SELECT only FROM diff").toArray().length > 0;
  }

  /** Keeps a diff; to be called in a transaction. */
  keep(diff: Diff): void {
    this.#sql.exec("INSERT INTO diff VALUES (1, ?, '')", toBinary(DiffSchema, { ...diff, files: [] }));
    for (const [position, file] of diff.files.entries()) {
      const stat = toBinary(FileDiffSchema, { ...file, patch: new Uint8Array(), truncated: false });
      const whole = toBinary(FileDiffSchema, file);
      this.#sql.exec("INSERT INTO diff_files VALUES (?, ?, ?, ?)", position, file.path, stat, whole);
    }
  }

  /** Keeps that there is none to be had. */
  keepUnreadable(why: string): void {
    this.#sql.exec("INSERT INTO diff VALUES (1, NULL, ?)", why);
  }

  /** What is kept; undefined when nothing is yet. */
  read({ path, statOnly }: DiffWish): KeptDiff | undefined {
    const [row] = this.#sql.exec<{ diff: ArrayBuffer | null; why: string }>("SELECT diff, why FROM diff").toArray();
    if (row === undefined) return undefined;
    if (row.diff === null) return { kind: "unreadable", why: row.why };
    const column = statOnly ? "stat" : "file";
    const files = this.#sql
      .exec<{ file: ArrayBuffer }>(
        `SELECT ${column} AS file FROM diff_files WHERE path = ? OR ? = '' ORDER BY position`,
        path,
        path,
      )
      .toArray()
      .map(({ file }) => fromBinary(FileDiffSchema, new Uint8Array(file)));
    return { kind: "kept", diff: create(DiffSchema, { ...fromBinary(DiffSchema, new Uint8Array(row.diff)), files }) };
  }

  deleteAll(): void {
    this.#sql.exec("DELETE FROM diff; DELETE FROM diff_files");
  }
}
