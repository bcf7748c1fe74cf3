/** Which lines of a log a reader wants. Pure. */
import { RE2JS } from "@bufbuild/re2";
import { Code } from "@connectrpc/connect";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import type { ReadLogRequest } from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { LinePiece } from "#protocol/log-lines.ts";
import { problemError } from "#protocol/problem.ts";

/** True for lines of the stream asked for that hold the text, or match the expression, asked for. */
export type LineFilter = (line: LinePiece) => boolean;

/** The filter of a request. Throws INVALID_ARGUMENT when its expression does not compile. */
export function lineFilter(request: ReadLogRequest): LineFilter {
  const isFound = textFilter(request);
  const decoder = new TextDecoder();
  return ({ stream, bytes }) => {
    if (request.stream !== LogStream.UNSPECIFIED && request.stream !== stream) return false;
    return isFound === undefined || isFound(decoder.decode(bytes));
  };
}

function textFilter({ search, regex, matchCase }: ReadLogRequest): ((text: string) => boolean) | undefined {
  if (search === "") return undefined;
  if (regex) {
    // RE2 takes linear time whatever the expression; a caller must not be able to stall the gateway.
    const expression = compile(search, matchCase ? 0 : RE2JS.CASE_INSENSITIVE);
    return (text) => expression.test(text);
  }
  if (matchCase) return (text) => text.includes(search);
  const lowered = search.toLowerCase();
  return (text) => text.toLowerCase().includes(lowered);
}

function compile(expression: string, flags: number): RE2JS {
  try {
    return RE2JS.compile(expression, flags);
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
