import { fromJson } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Diff, DiffSchema } from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { GetDiffRequest } from "#gen/runner/v1/runner_service_pb.js";
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
  return attempt.calls.call(wish, { answerMs }).catch((error: unknown) => {
    const { reason } = findProblem(ConnectError.from(error)) ?? {};
    if (reason !== ProblemReason.JOB_FINISHED) throw error;
    return leftWork.serve(jobId, number, wish);
  });
}

/** Longer than a supervisor tries. */
const answerMs = 28_000;

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
  failed: {
    code: Code.FailedPrecondition,
    reason: ProblemReason.WORKSPACE_MISSING,
    action: "Look at the workspace on the runner: its repository cannot be read.",
  },
};
