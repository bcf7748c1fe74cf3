import type { Job } from "#gen/job/v1/job_pb.js";
import type { JobView } from "../route.ts";

/** The views that a job has: a task has no transcript, and what has checked out no repository no diff. */
export function viewsOf({ spec, baseCommit }: Job, views: readonly JobView[]): readonly JobView[] {
  const isAgent = spec?.work.case === "agent";
  return views.filter((view) => (isAgent || view !== "transcript") && (baseCommit !== "" || view !== "diff"));
}
