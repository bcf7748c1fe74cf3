import { existsSync } from "node:fs";
import { EndCause } from "#gen/job/v1/job_pb.js";
import type { EventPayload } from "../executor/executor.ts";
import { collectArtifacts } from "../workspace/collect-artifacts.ts";
import { collectingMs } from "./limits.ts";
import type { JobRun } from "./run-job.ts";

/**
 * Collects what a job declared as its artifacts, whether its work succeeded or not, and tells of each file. Nothing that goes
 * wrong here is a reason for the job to fail.
 */
export async function keepArtifacts(run: JobRun, emit: (payload: EventPayload) => void): Promise<void> {
  const { request, spec, directory, sandbox, settings, stop } = run;
  // A runner that is to stop, or forget the job, is not kept from that.
  const isWanted = spec.artifacts.length > 0 && stop.order?.cause !== EndCause.RUNNER_STOPPED;
  if (!isWanted || !existsSync(directory.workspace)) return;
  const { artifacts, skipped } = await collectArtifacts({
    jobId: request.jobId,
    sandbox,
    workspace: directory.workspace,
    patterns: spec.artifacts,
    settings: settings.artifacts,
    signal: AbortSignal.timeout(collectingMs(spec)),
  });
  for (const value of artifacts) emit({ case: "workspace", value: { event: { case: "artifact", value } } });
  for (const value of skipped) emit({ case: "workspace", value: { event: { case: "artifactSkipped", value } } });
}
