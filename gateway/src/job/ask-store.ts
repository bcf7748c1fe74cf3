/** The SQLite of one Job's asks. Every method is synchronous. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Ask, AskSchema, type AskState } from "#gen/job/v1/ask_pb.js";
import { type AskPage, type AskPageWish, askPage } from "../ask-page.ts";

/** An Ask and what the gateway remembers about it. */
export interface KnownAsk {
  /** As everybody sees it: a decision shows from the moment it is stored. */
  readonly ask: Ask;
  /** Idempotency key of the call that decided it, or "". */
  readonly decisionKey: string;
  /** True once the runner has told that it is closed: nothing is left to be passed on. */
  readonly isClosed: boolean;
  /** True when the fleet knows it as it stands. */
  readonly isIndexed: boolean;
}

/** Reads and writes the asks of one JobObject. */
export class AskStore {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  prepare(): void {
    this.#storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS asks (
        id TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, state INTEGER NOT NULL, ask BLOB NOT NULL,
        decision_key TEXT NOT NULL, closed INTEGER NOT NULL, indexed INTEGER NOT NULL);
      CREATE INDEX IF NOT EXISTS asks_age ON asks (created_ms, id)`);
  }

  /** Stores an ask; of a deleted Job nothing is stored. */
  save({ ask, decisionKey, isClosed, isIndexed }: KnownAsk): void {
    this.#storage.sql.exec(
      "INSERT OR REPLACE INTO asks SELECT ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT only FROM deleted)",
      ask.id,
      ask.createTime === undefined ? 0 : timestampMs(ask.createTime),
      ask.state,
      toBinary(AskSchema, ask),
      decisionKey,
      Number(isClosed),
      Number(isIndexed),
    );
  }

  /** Those about which something is left to be done, the oldest first. */
  unsettled(): readonly KnownAsk[] {
    return this.#read("SELECT * FROM asks WHERE closed = 0 OR indexed = 0 ORDER BY created_ms, id");
  }

  find(id: string): KnownAsk | undefined {
    return this.#read("SELECT * FROM asks WHERE id = ?", id)[0];
  }

  /** A page of them, the oldest first. */
  list(wish: AskPageWish): AskPage {
    return askPage(this.#storage.sql, wish);
  }

  deleteAll(): void {
    this.#storage.sql.exec("DELETE FROM asks");
  }

  #read(query: string, ...values: string[]): readonly KnownAsk[] {
    return this.#storage.sql
      .exec<AskRow>(query, ...values)
      .toArray()
      .map((row) => ({
        ask: fromBinary(AskSchema, new Uint8Array(row.ask)),
        decisionKey: row.decision_key,
        isClosed: row.closed === 1,
        isIndexed: row.indexed === 1,
      }));
  }
}

type AskRow = { state: AskState; ask: ArrayBuffer; decision_key: string; closed: number; indexed: number };
