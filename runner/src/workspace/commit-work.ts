import { type Author, commitTree } from "./checkpoint.ts";
import { type GitContext, runGit } from "./git.ts";
import { takeSnapshot, type WorkspaceFailure } from "./snapshot.ts";

/** How the work of a job becomes one commit. */
export interface WorkCommitWish {
  /** Commit on which the work began. */
  readonly base: string;
  /** Commit that the job pushed to the same branch before; empty for none. It stays in the branch's history. */
  readonly pushed: string;
  readonly message: string;
  readonly author: Author;
}

/** The commit that holds the work, in the workspace's own repository. */
export type WorkCommit =
  | { readonly kind: "made"; readonly commit: string }
  /** The work is what it began with. */
  | { readonly kind: "unchanged" }
  | WorkspaceFailure;

/** Makes a commit of what is not committed, behind those of the job; without such, its newest commit is it. */
export async function commitWork(git: GitContext, wish: WorkCommitWish): Promise<WorkCommit> {
  const { base, pushed, message, author } = wish;
  const taken = await takeSnapshot(git);
  if (taken.kind === "failed") return taken;
  const { tree, head } = taken.snapshot;
  const parents = await parentsOf(git, head === "" ? base : head, pushed);
  const [only = "", second] = parents;
  if (second === undefined && (await isTreeOf(git, only, tree)))
    return only === base ? { kind: "unchanged" } : { kind: "made", commit: only };
  const committed = await commitTree(git, tree, { author, message, parents });
  if (committed.kind === "failed") return committed;
  const { commit } = committed;
  // Nothing else leads to it: it would be cleaned away some time, and the next push builds on it.
  const kept = await runGit(git, [gitDir, "update-ref", `refs/blazecraft/pushed/${commit}`, commit]);
  return kept.kind === "failed" ? kept : { kind: "made", commit };
}

/** What was pushed before is built on, so that nobody's copy of the branch is overtaken: with the job's own new commits, if any. */
async function parentsOf(git: GitContext, head: string, pushed: string): Promise<readonly string[]> {
  if (pushed === "" || (await isAncestor(git, pushed, head))) return [head];
  return (await isAncestor(git, head, pushed)) ? [pushed] : [head, pushed];
}

async function isAncestor(git: GitContext, older: string, newer: string): Promise<boolean> {
  return (await runGit(git, [gitDir, "merge-base", "--is-ancestor", older, newer])).kind === "done";
}

async function isTreeOf(git: GitContext, commit: string, tree: string): Promise<boolean> {
  const read = await runGit(git, [gitDir, "rev-parse", "--verify", "--quiet", `${commit}^{tree}`]);
  return read.kind === "done" && read.output === tree;
}

const gitDir = "--git-dir=.git";
