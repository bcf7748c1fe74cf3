/** What tests use of Node's SQLite. The gateway runs without Node, and its code is checked without Node's types. */
declare module "node:sqlite" {
  /** A database; ":memory:" is one of its own. */
  export class DatabaseSync {
    constructor(path: string);
    prepare(query: string): { all(...values: (string | number | Uint8Array)[]): unknown[] };
  }
}
