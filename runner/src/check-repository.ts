import { Code, type ConnectError } from "@connectrpc/connect";
import type { JobSpec } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import { parseRepoRef } from "#protocol/repo-ref.ts";
import { isRepositoryAllowed } from "./workspace/allowed-repositories.ts";
import type { GitStatus } from "./workspace/git-version.ts";
import type { WorkspaceSettings } from "./workspace/workspace.ts";

/** What this runner has for jobs on repositories. */
export interface RepositoryOffer {
  readonly settings: WorkspaceSettings;
  readonly git: Promise<GitStatus>;
}

/** Refuses a repository that this runner does not take, before anything is resolved or started for it. */
export async function requireRepository(spec: JobSpec, { settings, git }: RepositoryOffer): Promise<void> {
  const repoRef = parseRepoRef(spec.repoRef, settings);
  if (repoRef.kind === "refused") throw malformed(repoRef.reason);
  if (repoRef.kind === "scratch") return;
  if (!isRepositoryAllowed(repoRef.url, settings.allowedRepositories)) throw notAllowed(repoRef.url);
  const { problem, hasLfs } = await git;
  if (problem !== undefined) throw missing("spec.repo_ref", problem);
  if (spec.checkout?.lfs && !hasLfs) throw missing("spec.checkout.lfs", "git-lfs is not installed on this runner");
}

function malformed(reason: string): ConnectError {
  return problemError({
    code: Code.InvalidArgument,
    reason: ProblemReason.REPOSITORY_REFUSED,
    field: "spec.repo_ref",
    message: reason,
    action: "Give https://host/owner/name[@ref], owner/name[@ref], or a bare name for an empty workspace.",
  });
}

function notAllowed(url: string): ConnectError {
  return problemError({
    code: Code.PermissionDenied,
    reason: ProblemReason.REPOSITORY_REFUSED,
    field: "spec.repo_ref",
    message: `this runner's operator does not allow ${url}`,
    action: "Use another runner, or have the operator add the repository to ALLOWED_REPOSITORIES.",
  });
}

function missing(field: string, message: string): ConnectError {
  return problemError({
    code: Code.FailedPrecondition,
    reason: ProblemReason.NOT_SUPPORTED,
    field,
    message,
    action: "Install what is missing on the runner and restart it, or use another runner.",
  });
}
