import type { WorkspaceEvent } from "#gen/job/v1/job_event_pb.js";

/** A file that was collected from a job's workspace. */
export interface CollectedFile {
  readonly path: string;
  readonly bytes: number;
}

/** One that was not, or several, and why. */
export interface LeftOutFile {
  /** Empty: of several. */
  readonly path: string;
  readonly reason: string;
}

/** What a job's events tell of its artifacts. */
export class Artifacts {
  readonly #files = new Map<string, CollectedFile>();
  readonly #leftOut: LeftOutFile[] = [];

  get files(): readonly CollectedFile[] {
    return [...this.#files.values()];
  }

  get leftOut(): readonly LeftOutFile[] {
    return this.#leftOut;
  }

  get isEmpty(): boolean {
    return this.#files.size === 0 && this.#leftOut.length === 0;
  }

  take({ event }: WorkspaceEvent): void {
    if (event.case === "artifact") {
      const { path, size } = event.value;
      this.#files.set(path, { path, bytes: Number(size) });
    }
    if (event.case === "artifactSkipped") {
      const { path, reason } = event.value;
      this.#leftOut.push({ path, reason });
    }
  }
}

/** Where the gateway serves a file of a job. */
export function artifactUrl(jobId: string, path: string): string {
  return `/api/jobs/${jobId}/artifacts/${path.split("/").map(encodeURIComponent).join("/")}`;
}
