import { Code, ConnectError } from "@connectrpc/connect";
import { errorFromJson, errorToJson } from "@connectrpc/connect/protocol-connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { findProblem, problemError } from "./problem.ts";

/** The answer to a unary call, with a Problem in the errors that Connect itself makes when it cannot read a request. */
export async function explainRefusal(response: Response): Promise<Response> {
  if (response.ok || !response.headers.get("content-type")?.startsWith("application/json")) return response;
  const answered = errorFromJson(
    JSON.parse(await response.text()),
    undefined,
    new ConnectError("no error", Code.Unknown),
  );
  const error = findProblem(answered) === undefined ? explain(answered) : answered;
  const headers = new Headers(response.headers);
  headers.delete("content-length");
  const status = error.code === answered.code ? response.status : 400;
  return Response.json(errorToJson(error, undefined), { status, headers });
}

function explain(error: ConnectError): ConnectError {
  // Connect calls it its own fault when it cannot parse the caller's protobuf.
  const isUnparsable = error.code === Code.Internal && error.rawMessage.startsWith("parse binary:");
  if (error.code === Code.InvalidArgument || isUnparsable) {
    return problemError({
      code: Code.InvalidArgument,
      reason: ProblemReason.MALFORMED_REQUEST,
      message: error.rawMessage,
      action: "Send a request that matches the contract.",
    });
  }
  if (error.code === Code.ResourceExhausted) {
    return problemError({
      code: error.code,
      reason: ProblemReason.REQUEST_TOO_LARGE,
      message: error.rawMessage,
      action: "Send less in one request.",
    });
  }
  return error;
}
