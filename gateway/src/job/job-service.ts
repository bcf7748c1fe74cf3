/** JobService: finds the Durable Object that knows the answer, asks it, and turns refusals into errors. */
import { toBinary } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { type Job, type JobSpec, JobSpecSchema, JobState } from "#gen/job/v1/job_pb.js";
import {
  type JobService,
  ReadArtifactResponseSchema,
  WatchJobResponseSchema,
  WatchJobsResponseSchema,
} from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { requireBranchName } from "#protocol/branch-name.ts";
import { concatBytes } from "#protocol/bytes.ts";
import { randomId } from "#protocol/id.ts";
import { problemError } from "#protocol/problem.ts";
import { parseRepoRef } from "#protocol/repo-ref.ts";
import { value } from "../answer.ts";
import { keepAttachments } from "../attachment/attachments.ts";
import { callerKey } from "../auth/caller.ts";
import type { Env } from "../env.ts";
import { decodeEnvelopes } from "../envelope-stream.ts";
import { executorOf } from "../executor-of.ts";
import { idOfKey } from "../id-of-key.ts";
import { parsePageToken } from "../page-token.ts";
import { createAskRpcs } from "./ask-rpcs.ts";
import {
  type Continuation,
  continuedByRetry,
  continuedNotFound,
  runnerToContinue,
  turnOfNothing,
} from "./continuation.ts";
import { notFinished } from "./job-refusals.ts";
import { openArtifact } from "./read-artifact.ts";
import { readLog } from "./read-log.ts";
import { openWatch } from "./watch-stream.ts";

/** The service over these bindings. Callers are known and allowed by then: see auth/. */
export function createJobService(env: Env): ServiceImpl<typeof JobService> {
  const fleet = () => env.FLEET.getByName("fleet");
  const jobObject = (id: string) => env.JOB.getByName(id);

  /** Creates a Job under an id that follows from the idempotency key, so that one key leads to one object. */
  async function createJob(
    wish: Continuation & { spec: JobSpec; key: string; retryOf: string },
    context: HandlerContext,
  ) {
    const { spec, key, retryOf, continues, continuesTurn } = wish;
    refuseRepoRef(spec);
    if (spec.publish?.branch !== undefined) requireBranchName(spec.publish.branch.name, "spec.publish.branch.name");
    if (continues === "" && continuesTurn > 0) throw problemError(turnOfNothing());
    const { actor: creator, origin } = context.values.get(callerKey);
    const id = key === "" ? randomId("job") : await idOfKey("job", `${creator.id}\n${key}`);
    const origins = new TextEncoder().encode(`${retryOf}\n${continues}\n${continuesTurn || ""}`);
    const requestDigest = await digest(concatBytes([origins, toBinary(JobSpecSchema, inOrder(spec))]));
    const boundTo = await checkOrigins(id, wish).catch(async (refusal: unknown) => {
      // A repeated request is answered with the Job that it made, whatever has become since of what that came from.
      if (key === "" || "refused" in (await jobObject(id).get(0, 0))) throw refusal;
      return "";
    });
    const admission = await fleet().admit({ id, executor: executorOf(spec), labels: spec.runnerLabels, boundTo });
    const init = { id, spec, requestDigest, creator, retryOf, continues, continuesTurn, origin };
    const created = await jobObject(id).create(init, admission);
    if ("refused" in created || created.ok.replayed) await fleet().dismiss(id);
    return value(created);
  }

  /** Checks what a new Job goes on from, and answers the only runner that may have it, empty for any. */
  async function checkOrigins(id: string, { spec, continues }: { spec: JobSpec; continues: string }): Promise<string> {
    await keepAttachments(env, id, spec);
    if (continues === "") return "";
    const continued = await jobObject(continues).get(0, 0);
    return runnerToContinue(spec, value("refused" in continued ? { refused: continuedNotFound() } : continued));
  }

  /** A pending Job with its present place in the queue. */
  async function withPlace(job: Job): Promise<Job> {
    if (job.status?.state !== JobState.PENDING) return job;
    const detail = await fleet().pendingDetail(job.id);
    return detail === undefined
      ? job
      : { ...job, status: { ...job.status, detail: { case: "pending", value: detail } } };
  }

  return {
    ...createAskRpcs(env),

    async createJob({ spec, idempotencyKey: key, continues, continuesTurn }, context) {
      if (spec === undefined) throw new Error("validation let a request without spec through");
      return await createJob({ spec, key, retryOf: "", continues, continuesTurn }, context);
    },

    async getJob({ id, knownRevision, wait }) {
      const job = value(await jobObject(id).get(knownRevision, wait === undefined ? 0 : durationMs(wait)));
      return { job: await withPlace(job) };
    },

    async listJobs(request) {
      if (request.pageToken !== "") parsePageToken(request.pageToken, "job");
      return await fleet().list(request);
    },

    async cancelJob({ id }, context) {
      return { job: value(await jobObject(id).cancel(context.values.get(callerKey).actor)) };
    },

    async retryJob({ id, idempotencyKey: key }, context) {
      const job = value(await jobObject(id).get(0, 0));
      const { spec, status } = job;
      if (spec === undefined || status?.detail.case !== "outcome") throw problemError(notFinished(id));
      return await createJob({ spec, key, retryOf: id, ...continuedByRetry(job) }, context);
    },

    async deleteJob({ id }) {
      value(await jobObject(id).remove());
      return {};
    },

    async *watchJob({ id, afterSequence }, context) {
      const body = await openWatch(
        jobObject(id),
        { after: afterSequence, field: "after_sequence", end: "connect" },
        context.signal,
      );
      yield* decodeEnvelopes(WatchJobResponseSchema, body);
    },

    async *watchJobs({ afterRevision }, context) {
      const body = await openWatch(
        fleet(),
        { after: afterRevision, field: "after_revision", end: "connect" },
        context.signal,
      );
      yield* decodeEnvelopes(WatchJobsResponseSchema, body);
    },

    async readLog(request) {
      const job = jobObject(request.id);
      const { log } = value(await job.get(0, 0));
      return await readLog((line) => job.fetch(`http://object/log?line=${line}`), request, log?.lines ?? 0);
    },

    async getDiff({ id, path, statOnly, fromTurn, toTurn }) {
      return { diff: value(await jobObject(id).diff({ path, statOnly, fromTurn, toTurn })) };
    },

    async pushBranch({ id, branch }) {
      if (branch === undefined) throw new Error("validation let a request without branch through");
      requireBranchName(branch.name, "branch.name");
      return { publication: value(await jobObject(id).pushBranch(branch)) };
    },

    async openPullRequest({ id, pullRequest }) {
      if (pullRequest === undefined) throw new Error("validation let a request without pull_request through");
      return { publication: value(await jobObject(id).openPullRequest(pullRequest)) };
    },

    async listArtifacts({ id }) {
      return { artifacts: value(await jobObject(id).artifacts()) };
    },

    async *readArtifact(request, context) {
      yield* decodeEnvelopes(ReadArtifactResponseSchema, await openArtifact(env, request, context.signal));
    },

    async allowHost({ id, host }, context) {
      value(await jobObject(id).allowHost(host, context.values.get(callerKey).actor));
      return {};
    },

    async uploadAttachment({ sha256, size, offset, data }) {
      const received = value(await env.ATTACHMENT.getByName(sha256).put({ sha256, size, offset, data }));
      return { received };
    },
  };
}

/** The same spec with its maps in one order: clients may send theirs in any. */
function inOrder(spec: JobSpec): JobSpec {
  const sorted = (map: Record<string, string>) => Object.fromEntries(Object.entries(map).sort());
  return { ...spec, env: sorted(spec.env), labels: sorted(spec.labels) };
}

/** Refuses what no runner takes; what this or that runner does not allow, only that runner knows. */
function refuseRepoRef({ repoRef }: JobSpec): void {
  const place = parseRepoRef(repoRef, { defaultHost: "github.com", allowInsecure: true });
  if (place.kind !== "refused") return;
  throw problemError({
    code: Code.InvalidArgument,
    reason: ProblemReason.INVALID_FIELD,
    field: "spec.repo_ref",
    message: place.reason,
    action: 'Name "https://host/owner/name[@ref]", "owner/name[@ref]", or a bare name for an empty workspace.',
  });
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
