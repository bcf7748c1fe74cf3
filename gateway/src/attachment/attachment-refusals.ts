/** Why uploads and the use of attachments are refused. */
import { Code } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { ProblemInit } from "#protocol/problem.ts";

/** The part reaches past the size that was announced. */
export function partTooLong(size: number): ProblemInit {
  return {
    ...{ code: Code.InvalidArgument, reason: ProblemReason.INVALID_FIELD, field: "data" },
    message: `the part reaches past the size of ${size} bytes`,
    action: "Announce the size of the whole content.",
  };
}

/** The content is here and has another size than announced. */
export function otherSize(size: number): ProblemInit {
  return {
    ...{ code: Code.InvalidArgument, reason: ProblemReason.INVALID_FIELD, field: "size" },
    message: `the content of this digest has ${size} bytes`,
    action: "Compute size and digest from the same content.",
  };
}

/** There would be a hole before the part, or it lies across the end of what is here. */
export function partOutOfOrder(received: number): ProblemInit {
  return {
    ...{ code: Code.FailedPrecondition, reason: ProblemReason.ATTACHMENT_MISSING, field: "offset" },
    message: `the next part begins at ${received}`,
    action: "Go on where the last response said.",
  };
}

/** Everything is here, and it is something else. */
export function otherDigest(found: string): ProblemInit {
  return {
    ...{ code: Code.InvalidArgument, reason: ProblemReason.ATTACHMENT_MISSING, field: "sha256" },
    message: `the whole content has the SHA-256 ${found}`,
    action: "Upload it again from the beginning, under its own digest.",
  };
}

/** The content is nothing that agents are given. */
export function typeRefused(type: string): ProblemInit {
  return {
    ...{ code: Code.InvalidArgument, reason: ProblemReason.INVALID_FIELD, field: "data" },
    message: `the content is ${type}`,
    action: "Upload text in UTF-8, PNG, JPEG, GIF, WebP or PDF.",
  };
}

/** A Job that is about to start names a content that is not here any more. */
export function attachmentGone(sha256: string): ProblemInit {
  return {
    ...{ code: Code.InvalidArgument, reason: ProblemReason.INVALID_FIELD, field: "spec.agent.attachments" },
    message: `attachment ${sha256} is not at the gateway any more`,
    action: "Upload it again and retry the job.",
  };
}

/** A new Job names a content that is not here. */
export function attachmentMissing(index: number, sha256: string): ProblemInit {
  return {
    code: Code.FailedPrecondition,
    reason: ProblemReason.ATTACHMENT_MISSING,
    field: `spec.agent.attachments[${index}].sha256`,
    message: `attachment ${sha256} is not here or not complete`,
    action: "Upload it first.",
  };
}
