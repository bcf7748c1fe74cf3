/** Brings the content of an artifact from the runner that keeps it: its bytes as they are, decoded only for who needs that. */
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { ReadArtifactRequest } from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { ReadArtifactRequestSchema } from "#gen/runner/v1/runner_service_pb.js";
import { problemError } from "#protocol/problem.ts";
import { value } from "../answer.ts";
import { type Env, parseSettings } from "../env.ts";
import { createRunnerClient, type RunnerClient } from "../runner-client.ts";

/** The runner's stream of ReadArtifactResponses as envelopes, which has the form of the gateway's own. */
export async function openArtifact(
  env: Env,
  { id, path, offset }: ReadArtifactRequest,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const { artifact, runner, url } = value(await env.JOB.getByName(id).findArtifact(path));
  if (offset > artifact.size) throw pastEnd(artifact.size);
  if (url === undefined) throw runnerGone(runner);
  const request = create(ReadArtifactRequestSchema, { jobId: id, sha256: artifact.sha256, offset });
  try {
    return await (await connect(env, url)).openArtifact(request, signal);
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    throw code === Code.Unavailable && !signal.aborted ? runnerAway(runner, rawMessage) : error;
  }
}

async function connect(env: Env, url: string): Promise<RunnerClient> {
  const { runnerKeys } = await parseSettings(env);
  if (runnerKeys === undefined) throw new Error("RUNNER_SECRET is not set");
  return createRunnerClient(url, runnerKeys[0]);
}

function pastEnd(size: bigint): ConnectError {
  return problemError({
    code: Code.OutOfRange,
    reason: ProblemReason.INVALID_FIELD,
    field: "offset",
    message: `the artifact has ${size} bytes`,
    action: "Begin before its end.",
  });
}

function runnerGone(runner: string): ConnectError {
  return problemError({
    code: Code.NotFound,
    reason: ProblemReason.ARTIFACT_MISSING,
    message: `runner ${runner}, which keeps the artifact, was removed`,
    action: "Add the runner again, or run the job again.",
  });
}

function runnerAway(runner: string, why: string): ConnectError {
  return problemError({
    code: Code.Unavailable,
    reason: ProblemReason.RUNNER_OFFLINE,
    message: `runner ${runner} keeps the artifact and is away: ${why}`,
    action: "Try again when the runner is back.",
    retryAfterMs: 10_000,
  });
}
