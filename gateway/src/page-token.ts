/** Page tokens of the list of Jobs: the age and id of the last Job of the page before. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import type { Job } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";

/** The token of the page that begins behind a Job. */
export function pageTokenAfter({ createTime, id }: Job): string {
  return `${createTime === undefined ? 0 : timestampMs(createTime)}-${id}`;
}

/** The place a page token stands for. Throws INVALID_ARGUMENT when it is not one of ours. */
export function parsePageToken(token: string): { readonly createdMs: number; readonly id: string } {
  const [, createdMs, id] = /^([0-9]{1,15})-(job_[0-9a-z]{16})$/.exec(token) ?? [];
  if (createdMs !== undefined && id !== undefined) return { createdMs: Number(createdMs), id };
  throw problemError({
    code: Code.InvalidArgument,
    reason: ProblemReason.CURSOR_EXPIRED,
    field: "page_token",
    message: `page_token "${token}" is not one of this list`,
    action: "Leave page_token out to begin with the first page.",
  });
}
