/** Page tokens of lists by age: the age and id of the last item of the page before. */
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";

/** What a list is ordered by. */
interface Listed {
  readonly createTime?: Timestamp | undefined;
  readonly id: string;
}

/** The token of the page that begins behind an item. */
export function pageTokenAfter({ createTime, id }: Listed): string {
  return `${createTime === undefined ? 0 : timestampMs(createTime)}-${id}`;
}

/** The place a page token stands for in a list of these. Throws INVALID_ARGUMENT when it is not one of ours. */
export function parsePageToken(
  token: string,
  kind: "job" | "ask",
): { readonly createdMs: number; readonly id: string } {
  const [, createdMs, id] = /^([0-9]{1,15})-([a-z]+_[0-9a-z]{16})$/.exec(token) ?? [];
  if (createdMs !== undefined && id?.startsWith(`${kind}_`)) return { createdMs: Number(createdMs), id };
  throw problemError({
    code: Code.InvalidArgument,
    reason: ProblemReason.CURSOR_EXPIRED,
    field: "page_token",
    message: `page_token "${token}" is not one of this list`,
    action: "Leave page_token out to begin with the first page.",
  });
}
