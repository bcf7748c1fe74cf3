import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectError } from "@connectrpc/connect";
import { JobService } from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { Scope } from "#protocol/api-key.ts";
import { problemError } from "#protocol/problem.ts";
import { type Caller, includesScope } from "./caller.ts";

/** The scope an RPC needs: viewer for what the contract says has no side effects, operator for jobs, admin for the rest. */
export function neededScope(method: DescMethod): Scope {
  if (method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS) return "viewer";
  return method.parent.typeName === JobService.typeName ? "operator" : "admin";
}

/** Why the caller may not call this RPC, or undefined when it may. */
export function refuseScope({ scope }: Caller, method: DescMethod): ConnectError | undefined {
  const needed = neededScope(method);
  if (includesScope(scope, needed)) return undefined;
  return problemError({
    code: Code.PermissionDenied,
    reason: ProblemReason.MISSING_SCOPE,
    message: `${method.name} needs the scope ${needed}, these credentials have ${scope}`,
    action: `Use an API key with the scope ${needed}.`,
  });
}
