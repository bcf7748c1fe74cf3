import { fromJson, toJson } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { BranchSchema, type Publication, PublicationSchema, PullRequestSchema } from "#gen/job/v1/job_pb.js";
import { type Diff, DiffSchema } from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { GetDiffRequest, OpenPullRequestRequest, PushBranchRequest } from "#gen/runner/v1/runner_service_pb.js";
import { requireBranchName } from "#protocol/branch-name.ts";
import { findProblem, type ProblemInit, problemError } from "#protocol/problem.ts";
import { parseRepoRef } from "#protocol/repo-ref.ts";
import type { Attempt } from "./job/attempt.ts";
import type { Jobs } from "./job/jobs.ts";
import type { LeftWork } from "./job/left-work.ts";
import type { CallAnswer, WorkRefusal, WorkWish } from "./supervisor/control.ts";
import { readStart } from "./supervisor/job-directory.ts";

/** Where the work of jobs is asked for. */
export interface WorkPlaces {
  readonly jobs: Jobs;
  readonly leftWork: LeftWork;
}

/** What an attempt changed, live or after its end. */
export async function getDiff(request: GetDiffRequest, places: WorkPlaces): Promise<Diff> {
  const { path, statOnly, fromTurn, toTurn } = request;
  const answer = await ask(request, { kind: "diff", path, statOnly, fromTurn, toTurn }, places);
  if (answer.kind !== "diff") throw new Error(`a diff was answered with ${answer.kind}`);
  return fromJson(DiffSchema, answer.diff, { ignoreUnknownFields: true });
}

/** Pushes the work of an attempt as it stands now. */
export async function pushBranch(request: PushBranchRequest, places: WorkPlaces): Promise<Publication> {
  const { branch } = request;
  if (branch === undefined) throw new Error("validation let a request without branch through");
  requireBranchName(branch.name, "branch.name");
  return publish(request, { kind: "push", branch: toJson(BranchSchema, branch) }, places);
}

/** Opens a pull request for a branch that was pushed. */
export async function openPullRequest(request: OpenPullRequestRequest, places: WorkPlaces): Promise<Publication> {
  const { branch, pullRequest } = request;
  if (pullRequest === undefined) throw new Error("validation let a request without pull_request through");
  const json = toJson(PullRequestSchema, pullRequest);
  return publish(request, { kind: "openRequest", branch, pullRequest: json }, places);
}

async function publish(key: AttemptKey, wish: WorkWish, places: WorkPlaces): Promise<Publication> {
  const answer = await ask(key, wish, places);
  if (answer.kind !== "published") throw new Error(`a ${wish.kind} was answered with ${answer.kind}`);
  return fromJson(PublicationSchema, answer.publication, { ignoreUnknownFields: true });
}

interface AttemptKey {
  readonly jobId: string;
  readonly attempt: number;
}

type Done = Exclude<CallAnswer, { kind: "refused" }>;

async function ask(key: AttemptKey, wish: WorkWish, places: WorkPlaces): Promise<Done> {
  const answer = await reach(key, wish, places);
  if (answer.kind !== "refused") return answer;
  const refusal = answer.refusal in refusals ? refusals[answer.refusal as WorkRefusal] : refusals.failed;
  throw problemError({ ...refusal, message: answer.message });
}

/** Asks the supervisor that holds the attempt; once it has ended, another. */
async function reach(key: AttemptKey, wish: WorkWish, { jobs, leftWork }: WorkPlaces): Promise<CallAnswer> {
  const { jobId, attempt: number } = key;
  const isReleased = !jobs.holds(key) && leftWork.isKept(jobId, number);
  const attempt = isReleased ? undefined : jobs.get(jobId, number);
  if (attempt !== undefined) refuseScratch(attempt);
  if (attempt === undefined || attempt.ended) return leftWork.serve(jobId, number, wish);
  return attempt.calls.call(wish, { answerMs: answerMs[wish.kind] }).catch((error: unknown) => {
    const { reason } = findProblem(ConnectError.from(error)) ?? {};
    if (reason !== ProblemReason.JOB_FINISHED) throw error;
    return leftWork.serve(jobId, number, wish);
  });
}

/** Longer than a supervisor tries. */
const answerMs: Readonly<Record<WorkWish["kind"], number>> = { diff: 28_000, push: 130_000, openRequest: 70_000 };

function refuseScratch({ directory, jobId }: Attempt): void {
  const repoRef = readStart(directory)?.spec?.repoRef ?? "";
  // Every form of a reference that got so far: what this runner takes was decided when the job began.
  if (parseRepoRef(repoRef, { defaultHost: "github.com", allowInsecure: true }).kind !== "scratch") return;
  throw problemError({
    code: Code.FailedPrecondition,
    reason: ProblemReason.NO_REPOSITORY,
    message: `${jobId} works in an empty workspace, which has no repository`,
    action: "Name a repository in repo_ref to see what a job changes.",
  });
}

const refusals: Readonly<Record<WorkRefusal, Omit<ProblemInit, "message">>> = {
  "not-ready": {
    code: Code.FailedPrecondition,
    reason: ProblemReason.WORKSPACE_MISSING,
    action: "Wait until the job has checked out its repository; once its workspace is gone, run it again.",
  },
  "no-turn": {
    code: Code.NotFound,
    reason: ProblemReason.TURN_NOT_FOUND,
    action: "Name a turn that a checkpoint tells of among the job's events.",
  },
  unchanged: {
    code: Code.FailedPrecondition,
    reason: ProblemReason.NOTHING_CHANGED,
    action: "Push when the job has changed something.",
  },
  "not-pushed": {
    code: Code.FailedPrecondition,
    reason: ProblemReason.NOT_PUSHED,
    action: "Push the branch first.",
  },
  moved: {
    code: Code.FailedPrecondition,
    reason: ProblemReason.BRANCH_MOVED,
    field: "branch.name",
    action: "Name another branch, or set force to replace it.",
  },
  credentials: {
    code: Code.PermissionDenied,
    reason: ProblemReason.NO_CREDENTIALS,
    action: "Give the runner a token, or a GitHub App, that may write to the repository.",
  },
  host: {
    code: Code.FailedPrecondition,
    reason: ProblemReason.HOST_REFUSED,
    action: "Do what the host says, and try again.",
  },
  failed: {
    code: Code.FailedPrecondition,
    reason: ProblemReason.REPOSITORY_BROKEN,
    action: "Look at what the job did to its repository, and run it again.",
  },
};
