/** Which lines of a log a reader wants. Pure. */
import { Code } from "@connectrpc/connect";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import type { ReadLogRequest } from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { matchExpression } from "#protocol/expression-match.ts";
import type { LinePiece } from "#protocol/log-lines.ts";
import { problemError } from "#protocol/problem.ts";
import { visibleText } from "#protocol/terminal-line.ts";
import { matchText } from "#protocol/text-match.ts";

/** True for lines of the stream asked for that hold the text, or match the expression, asked for. */
export type LineFilter = (line: LinePiece) => boolean;

/** The filter of a request. Throws INVALID_ARGUMENT when its expression does not compile. */
export function lineFilter(request: ReadLogRequest): LineFilter {
  const isFound = textFilter(request);
  const decoder = new TextDecoder();
  return ({ stream, bytes }) => {
    if (request.stream !== LogStream.UNSPECIFIED && request.stream !== stream) return false;
    return isFound === undefined || isFound(visibleText(decoder.decode(bytes)));
  };
}

function textFilter({ search, regex, matchCase }: ReadLogRequest): ((text: string) => boolean) | undefined {
  if (search === "") return undefined;
  if (!regex) return matchText(search, { matchCase });
  try {
    return matchExpression(search, { matchCase });
  } catch (error) {
    throw problemError({
      code: Code.InvalidArgument,
      reason: ProblemReason.INVALID_FIELD,
      field: "search",
      message: `search is not an expression in RE2's syntax: ${error instanceof Error ? error.message : String(error)}`,
      action: "Correct the expression, or leave regex out to search for the text itself.",
    });
  }
}
