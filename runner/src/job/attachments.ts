import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { Code } from "@connectrpc/connect";
import type { JobSpec } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { PutAttachmentRequest } from "#gen/runner/v1/runner_service_pb.js";
import { problemError } from "#protocol/problem.ts";
import {
  attachmentPath,
  attachmentSize,
  attachmentsDirectory,
  attachmentsOf,
  touchAttachment,
} from "../supervisor/attachment-files.ts";
import { cannotStore } from "./disk-refusal.ts";

/** The contents for agents that gateways brought, by their SHA-256. Each call is done when it returns. */
export class Attachments {
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
    mkdirSync(attachmentsDirectory, { recursive: true, mode: 0o700 });
  }

  /** Takes the next part of a content, and answers how much of it is here. A part that is here already changes nothing. */
  put({ sha256, size, offset, data }: PutAttachmentRequest): number {
    this.sweep();
    if (touchAttachment(sha256)) {
      const known = attachmentSize(sha256);
      if (known !== size) throw wrongSize(known);
      return size;
    }
    const draft = draftPath(sha256, size);
    const received = existsSync(draft) ? statSync(draft).size : 0;
    if (offset + data.length > size) throw wrongSize(size);
    const end = data.length === 0 ? received : Math.max(received, offset + data.length);
    if (end > received) {
      if (offset !== received) throw outOfOrder(received);
      append(draft, data);
    }
    if (end === size) complete(sha256, draft);
    return end;
  }

  /** Throws when something that a spec attaches is not here; what is stays for some time. */
  require(spec: JobSpec): void {
    for (const [index, { sha256 }] of attachmentsOf(spec).entries()) {
      if (!touchAttachment(sha256)) throw missing(index, sha256);
    }
  }

  /** Deletes what no job took for an hour. */
  sweep(): void {
    const old = this.#now() - keepMs;
    for (const name of readdirSync(attachmentsDirectory)) {
      const path = `${attachmentsDirectory}/${name}`;
      if (statSync(path).mtimeMs < old) rmSync(path, { force: true });
    }
  }
}

const keepMs = 3_600_000;

function draftPath(sha256: string, size: number): string {
  return `${attachmentPath(sha256)}.${size}`;
}

function append(path: string, data: Uint8Array): void {
  const fd = openSync(path, "a", 0o600);
  try {
    for (let written = 0; written < data.length; ) written += writeSync(fd, data, written);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    rmSync(path, { force: true });
    throw cannotStore("the attachment", error);
  } finally {
    closeSync(fd);
  }
}

/** Gives a content its name, if it is what that says. */
function complete(sha256: string, draft: string): void {
  const found = createHash("sha256").update(readFileSync(draft)).digest("hex");
  if (found !== sha256) {
    rmSync(draft);
    throw wrongDigest(found);
  }
  const fd = openSync(draft, "r");
  fsyncSync(fd);
  closeSync(fd);
  renameSync(draft, attachmentPath(sha256));
}

function wrongSize(size: number) {
  return problemError({
    code: Code.InvalidArgument,
    reason: ProblemReason.INVALID_FIELD,
    field: "size",
    message: `the content has ${size} bytes`,
    action: "Compute size and digest from the same content.",
  });
}

function wrongDigest(found: string) {
  return problemError({
    code: Code.InvalidArgument,
    reason: ProblemReason.ATTACHMENT_MISSING,
    field: "sha256",
    message: `the whole content has the SHA-256 ${found}`,
    action: "Bring it again from the beginning.",
  });
}

function outOfOrder(received: number) {
  return problemError({
    code: Code.FailedPrecondition,
    reason: ProblemReason.ATTACHMENT_MISSING,
    field: "offset",
    message: `the next part begins at ${received}`,
    action: "Go on where the last response said.",
  });
}

function missing(index: number, sha256: string) {
  return problemError({
    code: Code.FailedPrecondition,
    reason: ProblemReason.ATTACHMENT_MISSING,
    field: `spec.agent.attachments[${index}].sha256`,
    message: `attachment ${sha256} is not on this runner`,
    action: "Bring it with PutAttachment, and start the job again.",
  });
}
