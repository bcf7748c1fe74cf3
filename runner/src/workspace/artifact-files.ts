import { closeSync, fsync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { promisify } from "node:util";

/** Where artifacts are kept by their jobs and their SHA-256, relative to the data directory. */
export const artifactsDirectory = "artifacts";

/** The directory of a job's artifacts; it need not exist. */
export function artifactDirectory(jobId: string): string {
  return `${artifactsDirectory}/${jobId}`;
}

/** Where the artifact with this content is. */
export function artifactPath(jobId: string, sha256: string): string {
  return `${artifactDirectory(jobId)}/${sha256}`;
}

/** Makes the directory of a job's artifacts, and answers where one of them can be written until it is kept. */
export function openDraft(jobId: string): string {
  mkdirSync(artifactDirectory(jobId), { recursive: true, mode: 0o700 });
  return draftPath(jobId);
}

/** Keeps what was written to the draft, under its SHA-256. Its name is durable only after `syncArtifacts`. */
export function keepDraft(jobId: string, sha256: string): void {
  renameSync(draftPath(jobId), artifactPath(jobId, sha256));
}

/** Deletes a draft that will not be kept, if there is one. */
export function discardDraft(jobId: string): void {
  rmSync(draftPath(jobId), { force: true });
}

/** Has the names of all artifacts of a job on the disk itself. */
export async function syncArtifacts(jobId: string): Promise<void> {
  for (const directory of [artifactDirectory(jobId), artifactsDirectory]) {
    const fd = openSync(directory, "r");
    try {
      await promisify(fsync)(fd);
    } finally {
      closeSync(fd);
    }
  }
}

function draftPath(jobId: string): string {
  return `${artifactDirectory(jobId)}/draft`;
}
