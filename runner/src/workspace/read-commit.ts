import { parseRepoRef } from "#protocol/repo-ref.ts";
import { type GitContext, runGit } from "./git.ts";

/** The commit that is checked out; empty for a scratch workspace, undefined when there is none to be read. */
export async function readCommit(repoRef: string, git: GitContext): Promise<string | undefined> {
  // Every form of a reference that got so far: what this runner takes was decided when the workspace was made.
  if (parseRepoRef(repoRef, { defaultHost: "github.com", allowInsecure: true }).kind === "scratch") return "";
  const head = await runGit(git, ["--git-dir=.git", "rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
  return head.kind === "done" ? head.output : undefined;
}
