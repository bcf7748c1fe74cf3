import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import type { Logger } from "pino";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { killSurvivors } from "../process/kill-group.ts";
import { removeTreeSync } from "../process/remove-tree.ts";
import type { SpoolEnd } from "../spool/segments.ts";
import {
  brokenDirectory,
  type JobOwner,
  jobDirectory,
  jobsDirectory,
  readEnded,
  readOwner,
  readStart,
  trashDirectory,
} from "../supervisor/job-directory.ts";

/** A job that an earlier runner left in the data directory. */
export interface LeftJob {
  readonly request: StartJobRequest;
  readonly owner: JobOwner;
  /** Undefined when it had not ended. */
  readonly ended: SpoolEnd | undefined;
}

/**
 * Reads what an earlier runner left, and clears up what it began and did not finish. A directory that cannot be read is
 * set aside: it must not keep the other jobs from going on.
 */
export function readLeftJobs(logger: Logger): readonly LeftJob[] {
  for (const name of readdirSync(trashDirectory)) finishDeleting(`${trashDirectory}/${name}`, logger);
  return readdirSync(jobsDirectory).flatMap((jobId) => {
    try {
      return readLeftJob(jobId);
    } catch (error) {
      setAside(jobId, error, logger);
      return [];
    }
  });
}

function readLeftJob(jobId: string): readonly LeftJob[] {
  const directory = jobDirectory(jobId);
  const request = readStart(directory);
  const owner = readOwner(directory);
  if (request !== undefined && owner !== undefined) return [{ request, owner, ended: readEnded(directory) }];
  // It was never answered that this job had started.
  rmSync(directory.root, { recursive: true, force: true });
  return [];
}

function setAside(jobId: string, problem: unknown, logger: Logger): void {
  const broken = `${brokenDirectory}/${jobId}-${Date.now()}`;
  logger.error({ jobId, err: problem, directory: broken }, "the job's directory cannot be read and is set aside");
  mkdirSync(brokenDirectory, { recursive: true, mode: 0o700 });
  renameSync(`${jobsDirectory}/${jobId}`, broken);
  killSurvivors([jobId], undefined).catch((error: unknown) =>
    logger.error({ jobId, err: error }, "what is left of the job cannot be ended"),
  );
}

function finishDeleting(path: string, logger: Logger): void {
  try {
    removeTreeSync(path);
  } catch (error) {
    logger.warn({ path, err: error }, "what was to be deleted cannot be");
  }
}
