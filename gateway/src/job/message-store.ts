/** The SQLite of the messages to one Job's agent. Every method is synchronous. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Message, MessageSchema, MessageState } from "#gen/job/v1/job_event_pb.js";

/** A Message and what the gateway remembers about it. */
export interface KnownMessage {
  readonly message: Message;
  /** SHA-256 of the request that sent it, for its idempotency key. */
  readonly requestDigest: string;
  /** True once the runner has it; from then on the runner alone says what becomes of it. */
  readonly isTaken: boolean;
}

/** Reads and writes the messages of one JobObject. */
export class MessageStore {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  prepare(): void {
    this.#storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS messages (
        id TEXT PRIMARY KEY, state INTEGER NOT NULL, message BLOB NOT NULL, request_digest TEXT NOT NULL,
        taken INTEGER NOT NULL)`);
  }

  /** Stores a message; of a deleted Job nothing is stored. */
  save({ message, requestDigest, isTaken }: KnownMessage): void {
    this.#storage.sql.exec(
      `INSERT INTO messages SELECT ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT only FROM deleted)
       ON CONFLICT (id) DO UPDATE SET state = excluded.state, message = excluded.message, taken = excluded.taken`,
      message.id,
      message.state,
      toBinary(MessageSchema, message),
      requestDigest,
      Number(isTaken),
    );
  }

  /** Those that the agent does not have yet, in the order in which they were sent. */
  queued(): readonly KnownMessage[] {
    return this.#read("SELECT * FROM messages WHERE state = ? ORDER BY rowid", MessageState.QUEUED);
  }

  find(id: string): KnownMessage | undefined {
    return this.#read("SELECT * FROM messages WHERE id = ?", id)[0];
  }

  deleteAll(): void {
    this.#storage.sql.exec("DELETE FROM messages");
  }

  #read(query: string, value: string | number): readonly KnownMessage[] {
    return this.#storage.sql
      .exec<MessageRow>(query, value)
      .toArray()
      .map((row) => ({
        message: fromBinary(MessageSchema, new Uint8Array(row.message)),
        requestDigest: row.request_digest,
        isTaken: row.taken === 1,
      }));
  }
}

type MessageRow = { message: ArrayBuffer; request_digest: string; taken: number };
