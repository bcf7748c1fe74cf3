import { type GitContext, gitFlags, runAsGit } from "./git.ts";

/** The work in a workspace as it stands, committed or not. What git ignores is no part of it. */
export interface Snapshot {
  /** Tree that holds it. */
  readonly tree: string;
  /** Commit that is checked out; empty when there is none. */
  readonly head: string;
  /** Branch that is checked out; empty when none is. */
  readonly branch: string;
}

/** Where a workspace could not be read or written, what git said. */
export interface WorkspaceFailure {
  readonly kind: "failed";
  readonly problem: string;
}

/**
 * Stores the work as a tree, by an index of its own that is kept from one time to the next: the job's stays as it is, and
 * only what changed since is read again.
 */
export async function takeSnapshot(
  git: GitContext,
): Promise<{ readonly kind: "taken"; readonly snapshot: Snapshot } | WorkspaceFailure> {
  const argv = ["sh", "-c", snapshotScript, "sh", ...gitFlags] as const;
  const result = await runAsGit(git, { argv, env: inWorkspace, maxOutputBytes: 4096 });
  if (result.kind === "failed") return result;
  const [tree = "", head = "", branch = ""] = result.output.toString().split("\n");
  if (!isObjectId(tree)) return { kind: "failed", problem: "git told no tree" };
  return { kind: "taken", snapshot: { tree, head: isObjectId(head) ? head : "", branch } };
}

/** Whether a text is the whole id of an object. */
export function isObjectId(text: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

/** Where the repository is, whatever a job has made of it since. */
export const inWorkspace = { GIT_DIR: ".git", GIT_WORK_TREE: ".", GIT_NO_REPLACE_OBJECTS: "1" };

/**
 * Of an index that was copied, git trusts what it says of files older than itself: so it keeps its time. One file that
 * cannot be added, such as a repository without commits, does not keep the others from it.
 */
const snapshotScript = `
index=.git/blazecraft-index
store() {
  GIT_INDEX_FILE=$index git "$@" add --all --ignore-errors -- . 2>/dev/null
  GIT_INDEX_FILE=$index git "$@" write-tree
}
rm -f $index.lock
[ -f $index ] || cp -p .git/index $index 2>/dev/null
tree=$(store "$@" 2>/dev/null) || { rm -f $index; tree=$(store "$@") || exit; }
echo "$tree"
git "$@" rev-parse --verify --quiet 'HEAD^{commit}' || echo
git "$@" symbolic-ref --quiet --short HEAD
true`;
