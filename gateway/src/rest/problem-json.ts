/** Errors as application/problem+json (RFC 9457), a superset of what Connect answers. */
import { durationMs } from "@bufbuild/protobuf/wkt";
import {
  type FieldPath,
  type Violation,
  ViolationsSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { Code, ConnectError } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { ProblemReason, ProblemReasonSchema } from "#gen/job/v1/problem_pb.js";
import { findProblem } from "#protocol/problem.ts";
import { restFieldName } from "./field-names.ts";
import { enumToJson, type JsonObject } from "./json.ts";

/** What is wrong, as the body of a response or the data of a stream's event. */
export function problemToJson(error: ConnectError, requestId: string): JsonObject {
  const problem = findProblem(error);
  const reason = enumToJson(ProblemReasonSchema, problem?.reason ?? 0) ?? codeToString(error.code);
  const errors = fieldErrors(error);
  return {
    type: `/errors/${reason}`,
    title: toTitle(reason),
    status: statusOf(error),
    code: problem?.reason === ProblemReason.IDEMPOTENCY_KEY_REUSED ? "invalid_argument" : codeToString(error.code),
    message:
      errors.length > 0 ? errors.map(({ field, message }) => `${field}: ${message}`).join("; ") : error.rawMessage,
    reason,
    action: problem?.action ?? "Try again; if it stays so, tell the operator the request_id.",
    retry_after_ms: problem?.retryAfter === undefined ? null : durationMs(problem.retryAfter),
    errors: errors.length > 0 ? errors : problem?.field ? [{ field: restFieldName(problem.field), reason }] : [],
    request_id: requestId,
  };
}

/** The answer to a request that failed. Errors that nobody foresaw are answered without their text. */
export function problemResponse(thrown: unknown, requestId: string): Response {
  const error =
    thrown instanceof ConnectError
      ? thrown
      : new ConnectError("internal error", Code.Internal, undefined, undefined, thrown);
  const problem = problemToJson(error, requestId);
  const headers = new Headers({ "content-type": "application/problem+json" });
  const challenge = error.metadata.get("www-authenticate");
  if (challenge !== null) headers.set("www-authenticate", challenge);
  const retryAfter = findProblem(error)?.retryAfter;
  const retryAfterMs = retryAfter === undefined ? defaultRetryMs(statusOf(error)) : durationMs(retryAfter);
  if (retryAfterMs !== undefined) headers.set("retry-after", String(Math.ceil(retryAfterMs / 1000)));
  return new Response(JSON.stringify(problem), { status: statusOf(error), headers });
}

interface FieldError extends JsonObject {
  readonly field: string;
  readonly reason: string;
  readonly message: string;
}

function fieldErrors(error: ConnectError): readonly FieldError[] {
  return error.findDetails(ViolationsSchema).flatMap(({ violations }) => violations.map(toFieldError));
}

function toFieldError({ field, ruleId, message }: Violation): FieldError {
  return { field: restFieldName(pathToText(field)), reason: ruleId, message: message || `breaks the rule ${ruleId}` };
}

function pathToText(path: FieldPath | undefined): string {
  const elements = path?.elements ?? [];
  return elements
    .map(({ fieldName, subscript }) => fieldName + (subscript.case === undefined ? "" : `[${String(subscript.value)}]`))
    .join(".");
}

function statusOf(error: ConnectError): number {
  const reason = findProblem(error)?.reason;
  return (reason === undefined ? undefined : statusByReason[reason]) ?? statusByCode[error.code];
}

const statusByReason: Readonly<Partial<Record<ProblemReason, number>>> = {
  [ProblemReason.REQUEST_TOO_LARGE]: 413,
  [ProblemReason.UNSUPPORTED_MEDIA_TYPE]: 415,
  [ProblemReason.IDEMPOTENCY_KEY_REUSED]: 422,
};

const statusByCode: Readonly<Record<Code, number>> = {
  [Code.InvalidArgument]: 400,
  [Code.FailedPrecondition]: 400,
  [Code.OutOfRange]: 400,
  [Code.Unauthenticated]: 401,
  [Code.PermissionDenied]: 403,
  [Code.NotFound]: 404,
  [Code.AlreadyExists]: 409,
  [Code.Aborted]: 409,
  [Code.ResourceExhausted]: 429,
  [Code.Canceled]: 499,
  [Code.Internal]: 500,
  [Code.Unknown]: 500,
  [Code.DataLoss]: 500,
  [Code.Unimplemented]: 501,
  [Code.Unavailable]: 503,
  [Code.DeadlineExceeded]: 504,
};

function defaultRetryMs(status: number): number | undefined {
  return status === 429 || status === 503 ? 5000 : undefined;
}

function toTitle(reason: string): string {
  const words = reason.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
