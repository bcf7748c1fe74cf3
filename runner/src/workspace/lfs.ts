import { type GitContext, gitFlags, runAsGit } from "./git.ts";
import { type HostAccess, runHostGit } from "./host-git.ts";
import type { OpenMirror } from "./mirror.ts";
import type { HostFailure } from "./mirror-repository.ts";

/**
 * Brings what Git LFS holds of the files that are checked out: into the mirror, where all jobs find it, and from there into
 * the workspace. The repository's own choice of another server does not count.
 */
export async function bringLfsContents(
  { url, repository, target }: OpenMirror,
  { host, workspace }: { readonly host: Omit<HostAccess, "url" | "access">; readonly workspace: GitContext },
): Promise<HostFailure | undefined> {
  const git = { ...host.git, directory: repository, writable: [repository] };
  const settings = [`lfs.url=${url}.git/info/lfs`, "lfs.concurrenttransfers=4"];
  const access = { ...host, url, git, access: "read" } as const;
  const fetched = await runHostGit(access, ["--git-dir=.", "lfs", "fetch", "origin", target.id], { settings });
  if (fetched.kind === "failed") return { ...fetched, reason: `Git LFS: ${fetched.reason}` };
  const argv = ["git", ...gitFlags, "--git-dir=.git", "--work-tree=.", "lfs", "checkout"] as const;
  const filled = await runAsGit(workspace, { argv, maxOutputBytes: 1 << 20 });
  if (filled.kind === "done") return undefined;
  return { kind: "failed", why: "other", reason: `Git LFS: ${filled.problem}`, detail: filled.problem };
}
