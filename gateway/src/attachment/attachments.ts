/** How files for agents get from callers to Jobs, and from there to runners. */
import type { JobSpec } from "#gen/job/v1/job_pb.js";
import { problemError } from "#protocol/problem.ts";
import type { Env } from "../env.ts";
import type { RunnerClient } from "../runner-client.ts";
import type { AttachmentPiece } from "./attachment-object.ts";
import { attachmentGone, attachmentMissing } from "./attachment-refusals.ts";

/** Keeps what a spec attaches for a new Job; throws when some of it is not here. */
export async function keepAttachments({ ATTACHMENT }: Env, jobId: string, spec: JobSpec): Promise<void> {
  const digests = digestsOf(spec);
  const kept = await Promise.all(digests.map((sha256) => ATTACHMENT.getByName(sha256).keepFor(jobId)));
  const missing = kept.indexOf(false);
  if (missing >= 0) throw problemError(attachmentMissing(missing, digests[missing] ?? ""));
}

/** Reads a content from an offset on; undefined when it is not here. */
export type ReadAttachment = (sha256: string, offset: number) => Promise<AttachmentPiece | undefined>;

/** Brings what a spec attaches to a runner that is about to start it, each from where an earlier try has come. */
export async function bringAttachments(
  spec: JobSpec,
  runner: Pick<RunnerClient, "putAttachment">,
  read: ReadAttachment,
): Promise<void> {
  for (const sha256 of new Set(digestsOf(spec))) await bring(sha256, runner, read);
}

async function bring(sha256: string, runner: Pick<RunnerClient, "putAttachment">, read: ReadAttachment): Promise<void> {
  const { size } = await readPiece(sha256, 0, read);
  const ask = { sha256, size, offset: 0, data: new Uint8Array(0) };
  for (let { received } = await runner.putAttachment(ask); received < size; ) {
    const { data } = await readPiece(sha256, received, read);
    const before = received;
    ({ received } = await runner.putAttachment({ sha256, size, offset: before, data }));
    if (received <= before) throw new Error(`the runner stays at byte ${received} of attachment ${sha256}`);
  }
}

async function readPiece(sha256: string, offset: number, read: ReadAttachment): Promise<AttachmentPiece> {
  const piece = await read(sha256, offset);
  if (piece === undefined) throw problemError(attachmentGone(sha256));
  return piece;
}

function digestsOf({ work }: JobSpec): readonly string[] {
  return work.case === "agent" ? work.value.attachments.map(({ sha256 }) => sha256) : [];
}
