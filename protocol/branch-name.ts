import { Code } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "./problem.ts";

/** Whether a text can name a branch: what `git check-ref-format --branch` takes, in printable ASCII. */
export function isBranchName(name: string): boolean {
  if (!/^[!-~]{1,200}$/.test(name) || /[~^:?*[\\]|\.\.|@\{/.test(name) || name.startsWith("-")) return false;
  if (name === "@" || name === "HEAD" || name.endsWith(".")) return false;
  return name.split("/").every((part) => part !== "" && !part.startsWith(".") && !part.endsWith(".lock"));
}

/** Refuses what cannot name a branch. */
export function requireBranchName(name: string, field: string): void {
  if (isBranchName(name)) return;
  throw problemError({
    code: Code.InvalidArgument,
    reason: ProblemReason.INVALID_FIELD,
    field,
    message: `"${name}" cannot name a branch`,
    action: "Take letters, digits, dots, dashes and slashes.",
  });
}
