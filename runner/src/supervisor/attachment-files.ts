import { chmodSync, constants, copyFileSync, existsSync, mkdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { type Attachment, EndCause, type JobSpec } from "#gen/job/v1/job_pb.js";
import { type AttachedFiles, Unstartable } from "../executor/executor.ts";
import { give } from "../sandbox/give.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import type { JobDirectory } from "./job-directory.ts";

/** Where contents for agents are kept by their SHA-256, relative to the runner's data directory. */
export const attachmentsDirectory = "attachments";

/** Where the content of this SHA-256 is once all of it is here. */
export function attachmentPath(sha256: string): string {
  return `${attachmentsDirectory}/${sha256}`;
}

/** The files that a spec attaches. */
export function attachmentsOf({ work }: JobSpec): readonly Attachment[] {
  return work.case === "agent" ? work.value.attachments : [];
}

/** Says that a content is in use; false when it is not here. */
export function touchAttachment(sha256: string): boolean {
  const path = attachmentPath(sha256);
  if (!existsSync(path)) return false;
  utimesSync(path, new Date(), new Date());
  return true;
}

/** Size of a content that is here. */
export function attachmentSize(sha256: string): number {
  return statSync(attachmentPath(sha256)).size;
}

/**
 * Copies what a spec attaches into the job's directory under its names, to be read only. Copies: an agent that changes its
 * file all the same changes nobody else's. Throws Unstartable when a content is gone.
 */
export function placeAttachments(
  spec: JobSpec,
  { attachments: directory }: JobDirectory,
  sandbox: Sandbox,
): AttachedFiles | undefined {
  const attachments = attachmentsOf(spec);
  if (attachments.length === 0) return undefined;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  give(sandbox, directory);
  for (const { sha256, name } of attachments) {
    if (!touchAttachment(sha256)) throw attachmentGone(name);
    // A job that goes on with a session may bring another file of the same name.
    rmSync(`${directory}/${name}`, { force: true });
    copyFileSync(attachmentPath(sha256), `${directory}/${name}`, constants.COPYFILE_FICLONE);
    chmodSync(`${directory}/${name}`, 0o400);
    give(sandbox, `${directory}/${name}`);
  }
  return { directory, names: attachments.map(({ name }) => name) };
}

function attachmentGone(name: string): Unstartable {
  const message = `The attachment "${name}" is no longer on the runner; retry the job.`;
  return new Unstartable({ cause: EndCause.UNSTARTABLE, message });
}
