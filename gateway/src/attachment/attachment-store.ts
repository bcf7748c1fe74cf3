/** The SQLite of one AttachmentObject: a content in parts, and which Jobs name it. Every method is synchronous. */
import { concatBytes } from "#protocol/bytes.ts";

/** How far a content is here. */
export interface StoredContent {
  readonly size: number;
  readonly received: number;
  /** Its digest and type were checked. */
  readonly complete: boolean;
}

export class AttachmentStore {
  readonly #sql: SqlStorage;
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
  }

  /** What is here; undefined when nothing is. Asking stores nothing. */
  content(): StoredContent | undefined {
    if (!this.#isPrepared()) return undefined;
    const query = "SELECT size, complete, (SELECT coalesce(max(end), 0) FROM parts) AS received FROM content";
    const [row] = this.#sql.exec<{ size: number; complete: number; received: number }>(query).toArray();
    return row === undefined ? undefined : { ...row, complete: row.complete === 1 };
  }

  /** Begins a content of this size, in place of what is here. */
  begin(size: number): void {
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS content (
        only INTEGER PRIMARY KEY CHECK (only = 1), size INTEGER NOT NULL, complete INTEGER NOT NULL,
        touched_ms INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS parts (start INTEGER PRIMARY KEY, end INTEGER NOT NULL, bytes BLOB NOT NULL);
      CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY);
      DELETE FROM parts`);
    this.#sql.exec("INSERT OR REPLACE INTO content VALUES (1, ?, 0, 0)", size);
  }

  append(start: number, bytes: Uint8Array): void {
    this.#sql.exec("INSERT INTO parts VALUES (?, ?, ?)", start, start + bytes.length, bytes);
  }

  complete(): void {
    this.#sql.exec("UPDATE content SET complete = 1");
  }

  /** The bytes from an offset on, at most so many. */
  read(offset: number, maxBytes: number): Uint8Array<ArrayBuffer> {
    const query = "SELECT start, bytes FROM parts WHERE end > ? AND start < ? ORDER BY start";
    const rows = this.#sql.exec<{ start: number; bytes: ArrayBuffer }>(query, offset, offset + maxBytes);
    const pieces = [...rows].map(({ start, bytes }) => {
      return new Uint8Array(bytes).subarray(Math.max(0, offset - start), offset + maxBytes - start);
    });
    return concatBytes(pieces);
  }

  /** When it was last uploaded or named by a new Job. */
  touchedMs(): number {
    return this.#sql.exec<{ touched_ms: number }>("SELECT touched_ms FROM content").one().touched_ms;
  }

  touch(ms: number): void {
    this.#sql.exec("UPDATE content SET touched_ms = ?", ms);
  }

  /** Remembers that a Job names it. */
  addJob(id: string): void {
    this.#sql.exec("INSERT OR IGNORE INTO jobs VALUES (?)", id);
  }

  removeJob(id: string): void {
    this.#sql.exec("DELETE FROM jobs WHERE id = ?", id);
  }

  /** Some Job that names it. */
  someJob(): string | undefined {
    return this.#sql.exec<{ id: string }>("SELECT id FROM jobs LIMIT 1").toArray()[0]?.id;
  }

  async deleteAll(): Promise<void> {
    await this.#storage.deleteAll();
  }

  #isPrepared(): boolean {
    return this.#sql.exec("SELECT name FROM sqlite_master WHERE name = 'content'").toArray().length > 0;
  }
}
