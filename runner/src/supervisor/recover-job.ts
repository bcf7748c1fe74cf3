import { rmSync } from "node:fs";
import { EndCause } from "#gen/job/v1/job_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { killSurvivors } from "../process/kill-group.ts";
import { removeTree } from "../process/remove-tree.ts";
import type { EventWriter } from "../spool/event-writer.ts";
import { discardDraft } from "../workspace/artifact-files.ts";
import { markUnusable } from "../workspace/workspace-pool.ts";
import { type JobDirectory, readLeader, wasDiskFull } from "./job-directory.ts";
import { withSurvivors } from "./outcome.ts";
import { markersOf } from "./session-directory.ts";

/**
 * Ends a job whose supervisor died, or ended itself because the disk is full: nothing of it runs on that can be killed, and
 * its log stays as far as it was spooled.
 */
export async function recoverJob(
  request: StartJobRequest,
  directory: JobDirectory,
  writer: EventWriter,
): Promise<void> {
  const survivors = await killSurvivors(markersOf(request), readLeader(directory));
  if (survivors.length > 0) markUnusable(directory.workspace);
  rmSync(directory.held, { recursive: true, force: true });
  rmSync(directory.modelSocket, { force: true });
  discardDraft(request.jobId);
  // What the job made unremovable goes with its directory, or stays; its end is not held up by that.
  await removeTree(directory.tmp).catch(() => undefined);
  const outcome = withSurvivors(wasDiskFull(directory) ? diskFull : lost, survivors);
  writer.end({ outcome, result: "", unknownLines: 0 });
}

const diskFull = {
  cause: EndCause.DISK_FULL,
  message:
    "The runner's disk is full, so the job was ended; its log ends where it was last stored. Make room and retry it.",
};

const lost = {
  cause: EndCause.RUNNER_LOST,
  message: "The job's supervisor was killed and the job with it; its log ends where it was last stored. Retry it.",
};
