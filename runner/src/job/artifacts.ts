import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Code } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { ReadArtifactRequest } from "#gen/runner/v1/runner_service_pb.js";
import { problemError } from "#protocol/problem.ts";
import { artifactDirectory, artifactPath, artifactsDirectory } from "../workspace/artifact-files.ts";
import { discardToTrash } from "./trash.ts";

/** What is kept of jobs that declared artifacts, also after they were released. */
export class Artifacts {
  readonly #keepMs: number;
  readonly #now: () => number;

  constructor(keepMs: number, now: () => number) {
    this.#keepMs = keepMs;
    this.#now = now;
    mkdirSync(artifactsDirectory, { recursive: true, mode: 0o700 });
  }

  /** The content of an artifact in parts of 256 KiB. */
  async *read({ jobId, sha256, offset }: ReadArtifactRequest): AsyncGenerator<Uint8Array> {
    await using file = await openFile(artifactPath(jobId, Buffer.from(sha256).toString("hex")));
    const { size } = await file.stat();
    if (offset > size) throw pastEnd(size);
    for (let position = Number(offset); position < size; ) {
      const buffer = new Uint8Array(Math.min(partBytes, size - position));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) throw new Error(`the artifact ends at ${position}`);
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** Deletes all of a job. */
  forget(jobId: string): void {
    discardToTrash(artifactDirectory(jobId));
  }

  /** Deletes what is too old, but nothing of a job that is held. */
  sweep(isHeld: (jobId: string) => boolean): void {
    const old = this.#now() - this.#keepMs;
    for (const jobId of readdirSync(artifactsDirectory)) {
      if (!isHeld(jobId) && statSync(artifactDirectory(jobId)).mtimeMs <= old) this.forget(jobId);
    }
  }
}

const partBytes = 256 * 1024;

function openFile(path: string): Promise<FileHandle> {
  if (existsSync(path)) return open(path);
  throw problemError({
    code: Code.NotFound,
    reason: ProblemReason.ARTIFACT_MISSING,
    field: "sha256",
    message: "the runner does not keep this artifact, or no longer",
    action: "Run the job again; see ARTIFACT_KEEP_MS of the runner.",
  });
}

function pastEnd(size: number) {
  return problemError({
    code: Code.OutOfRange,
    reason: ProblemReason.INVALID_FIELD,
    field: "offset",
    message: `the artifact has ${size} bytes`,
    action: "Begin before its end.",
  });
}
