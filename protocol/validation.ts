import type { DescMessage, Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, violationsToProto } from "@bufbuild/protovalidate";
import { Code, type Interceptor } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "./problem.ts";

const validator = createValidator();

/**
 * Checks every request against the rules in the proto files before the service sees it. A request that breaks one is
 * answered with INVALID_ARGUMENT, a Problem that names the first field at fault, and all violations as a detail.
 */
export const validateRequests: Interceptor = (next) => (request) => {
  if (!request.stream) {
    validate(request.method.input, request.message);
    return next(request);
  }
  const { message: messages, method } = request;
  async function* validated() {
    for await (const message of messages) {
      validate(method.input, message);
      yield message;
    }
  }
  return next({ ...request, message: validated() });
};

/** Throws the error described at validateRequests when a message breaks a rule of its proto file. */
export function validate(schema: DescMessage, message: Message): void {
  const result = validator.validate(schema, message);
  if (result.kind === "valid") return;
  if (result.kind === "error") throw result.error;
  const field = result.violations.map((violation) => pathToString(violation.field))[0] ?? "";
  const error = problemError({
    code: Code.InvalidArgument,
    reason: ProblemReason.INVALID_FIELD,
    field,
    message: result.error.message,
    action: `Correct ${field} and send the request again.`,
    cause: result.error,
  });
  const [value, desc] = violationsToProto(result.violations);
  error.details.push({ desc, value });
  throw error;
}
