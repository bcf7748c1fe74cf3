/** The files that were collected from one Job's workspace, as its events told of them; their content is at the runner. */

import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Artifact, ArtifactSchema } from "#gen/job/v1/job_event_pb.js";

/** Where the content of an artifact is to be had. */
export interface ArtifactPlace {
  readonly artifact: Artifact;
  /** Name of the runner that has it. */
  readonly runner: string;
  /** Its address; undefined when it was removed. */
  readonly url: string | undefined;
}

export class Artifacts {
  readonly #sql: SqlStorage;
  /** Those that came with events that are not stored yet. */
  #unsaved: Artifact[] = [];

  constructor({ sql }: DurableObjectStorage) {
    this.#sql = sql;
  }

  /** Makes the table. */
  prepare(): void {
    this.#sql.exec("CREATE TABLE IF NOT EXISTS artifacts (path TEXT PRIMARY KEY, artifact BLOB NOT NULL)");
  }

  /** Takes one that an event tells of. */
  take(artifact: Artifact): void {
    // What is decoded from a stream lies in its buffer, which is filled again.
    this.#unsaved.push({ ...artifact, sha256: artifact.sha256.slice() });
  }

  /** Stores what was taken; of a deleted Job nothing is stored. */
  save(): void {
    const query = "INSERT OR REPLACE INTO artifacts SELECT ?, ? WHERE NOT EXISTS (SELECT only FROM deleted)";
    for (const artifact of this.#unsaved) {
      this.#sql.exec(query, artifact.path, toBinary(ArtifactSchema, artifact));
    }
    this.#unsaved = [];
  }

  /** All of them by path. */
  list(): readonly Artifact[] {
    this.save();
    return this.#read("SELECT artifact FROM artifacts ORDER BY path");
  }

  find(path: string): Artifact | undefined {
    this.save();
    return this.#read("SELECT artifact FROM artifacts WHERE path = ?", path)[0];
  }

  deleteAll(): void {
    this.#unsaved = [];
    this.#sql.exec("DELETE FROM artifacts");
  }

  #read(query: string, ...values: string[]): readonly Artifact[] {
    const rows = this.#sql.exec<{ artifact: ArrayBuffer }>(query, ...values).toArray();
    return rows.map(({ artifact }) => fromBinary(ArtifactSchema, new Uint8Array(artifact)));
  }
}
