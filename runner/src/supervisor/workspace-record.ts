import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Checkpoint } from "../workspace/checkpoint.ts";
import type { HistoryKind } from "../workspace/mirror-directory.ts";

/** What is known of a workspace with a repository; kept beside it, where no job can write. */
export interface WorkspaceRecord {
  /** The job that works in it, or did so last. */
  readonly jobId: string;
  readonly attempt: number;
  /** Slot whose user it belongs to. */
  readonly slot: number;
  readonly repoRef: string;
  /** What the job is called, and where people find it; for commits. */
  readonly title: string;
  readonly jobUrl: string;
  /** Commit that its diff is against: what was checked out when the first job began in it. */
  readonly baseCommit: string;
  /** Branch or tag that this was found by; empty for a commit. */
  readonly baseRef: string;
  readonly history: HistoryKind;
  /** Of that job, in order. */
  readonly checkpoints: readonly Checkpoint[];
  /** What was pushed from it, the newest of each branch: by jobs that it continues, too. */
  readonly pushed: readonly PushedBranch[];
}

/** A branch as it was pushed. */
export interface PushedBranch {
  readonly branch: string;
  readonly commit: string;
}

/** Name of the record's file, beside the workspace. */
export const workspaceRecordName = "workspace.json";

/** The record of a workspace, or undefined when it has no repository, or is not checked out yet. */
export function readWorkspaceRecord(workspace: string): WorkspaceRecord | undefined {
  const path = recordPath(workspace);
  // Written whole by this program.
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as WorkspaceRecord) : undefined;
}

/** Writes the record of a workspace, whole. */
export function writeWorkspaceRecord(workspace: string, record: WorkspaceRecord): void {
  const path = recordPath(workspace);
  writeFileSync(`${path}.draft`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${path}.draft`, path);
}

function recordPath(workspace: string): string {
  return join(dirname(workspace), workspaceRecordName);
}
