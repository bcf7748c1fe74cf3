import { type GitContext, gitFlags, runAsGit, runGit } from "./git.ts";
import { inWorkspace, isObjectId, type Snapshot, type WorkspaceFailure } from "./snapshot.ts";

/** The work as it stood after a turn, as a commit behind the one that was checked out. */
export interface Checkpoint {
  /** From 1. */
  readonly turn: number;
  readonly commit: string;
  /** What was checked out; both may be empty, as in a Snapshot. */
  readonly head: string;
  readonly branch: string;
}

/** Who makes commits here, and what they say. */
export interface CommitWish {
  readonly author: Author;
  readonly message: string;
  readonly parents: readonly string[];
}

/** A name and an e-mail address, as in a commit. */
export interface Author {
  readonly name: string;
  readonly email: string;
}

/** Stores a tree as a commit on no branch. */
export async function commitTree(
  git: GitContext,
  tree: string,
  { author, message, parents }: CommitWish,
): Promise<{ readonly kind: "done"; readonly commit: string } | WorkspaceFailure> {
  const given = parents.flatMap((parent) => ["-p", parent]);
  const argv = ["git", ...gitFlags, "commit-tree", ...given, "-F", "-", tree] as const;
  const env = { ...inWorkspace, ...identity(author) };
  const result = await runAsGit(git, { argv, env, input: message, maxOutputBytes: 4096 });
  if (result.kind === "failed") return result;
  const commit = result.output.toString().trim();
  return isObjectId(commit) ? { kind: "done", commit } : { kind: "failed", problem: "git told no commit" };
}

/** Records a snapshot as the checkpoint of a turn, on a private ref that keeps it from being cleaned away. */
export async function makeCheckpoint(
  git: GitContext,
  { tree, head, branch }: Snapshot,
  { turn, author }: { readonly turn: number; readonly author: Author },
): Promise<{ readonly kind: "made"; readonly checkpoint: Checkpoint } | WorkspaceFailure> {
  const parents = head === "" ? [] : [head];
  const committed = await commitTree(git, tree, { author, message: `Checkpoint after turn ${turn}`, parents });
  if (committed.kind === "failed") return committed;
  const { commit } = committed;
  const kept = await runGit(git, ["--git-dir=.git", "update-ref", `${checkpointRefs}/${turn}`, commit]);
  return kept.kind === "failed" ? kept : { kind: "made", checkpoint: { turn, commit, head, branch } };
}

/** Sets the workspace back to a checkpoint: commits made since leave the branch, and what was not committed is so again. */
export async function restoreCheckpoint(
  git: GitContext,
  { commit, head, branch }: Checkpoint,
): Promise<{ readonly kind: "restored" } | WorkspaceFailure> {
  if (head === "") return { kind: "failed", problem: "no commit was checked out" };
  const argv = ["sh", "-c", restoreScript, "sh", commit, head, branch, ...gitFlags] as const;
  const result = await runAsGit(git, { argv, env: inWorkspace, maxOutputBytes: 64 * 1024 });
  return result.kind === "failed" ? result : { kind: "restored" };
}

const checkpointRefs = "refs/blazecraft/checkpoints";

function identity({ name, email }: Author) {
  return { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
}

/** What git ignores stays. A merge or rebase that was begun since is forgotten. */
const restoreScript = `
commit=$1 head=$2 branch=$3
shift 3
git "$@" cat-file -e "$commit^{commit}" && git "$@" cat-file -e "$head^{commit}" || exit
rm -rf .git/rebase-merge .git/rebase-apply .git/index.lock
if [ -n "$branch" ]; then
  git "$@" symbolic-ref HEAD "refs/heads/$branch" && git "$@" update-ref HEAD "$head"
else
  git "$@" update-ref --no-deref HEAD "$head"
fi || exit
git "$@" read-tree --reset HEAD && git "$@" clean -ffdq || exit
git "$@" read-tree -u --reset "$commit" && git "$@" reset --quiet`;
