import { basename, join, resolve } from "node:path";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { repositoriesUsedBy } from "../workspace/mirror-directory.ts";
import type { CallAnswer, Command } from "./control.ts";
import { JobWork } from "./job-work.ts";
import { readWorkspaceRecord } from "./workspace-record.ts";

/** Does something for the work that an ended job left behind. */
export async function serveWork(
  { place, settings, work }: Extract<Command, { kind: "serve" }>,
  sandbox: Sandbox,
): Promise<CallAnswer> {
  const workspace = resolve(place, "workspace");
  const record = readWorkspaceRecord(workspace);
  if (record === undefined) return { kind: "refused", refusal: "not-ready", message: "the workspace is gone" };
  const { jobId } = record;
  const home = join(resolve(place), "home");
  const left = new JobWork({
    jobId,
    workspace,
    author: settings.gitAuthor,
    git: (signal) => ({
      jobId,
      sandbox,
      directory: workspace,
      home,
      writable: [workspace, home],
      readable: repositoriesUsedBy(basename(place)),
      network: "none",
      path: settings.path,
      signal,
    }),
  });
  return left.answer(work);
}
