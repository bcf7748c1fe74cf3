import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Repository } from "#protocol/repo-ref.ts";
import { type GitContext, type GitResult, runGit } from "./git.ts";
import type { WorkspaceRequest, WorkspaceResult } from "./workspace.ts";

/** Clones a repository with full history into the workspace and checks out what was asked for. */
export async function cloneRepository(
  { url, ref }: Repository,
  git: GitContext,
  emit: WorkspaceRequest["emit"],
): Promise<WorkspaceResult> {
  const startMs = performance.now();
  emit({ case: "cloneStarted", value: { url, ref } });
  const cloned = await runGit(git, ["clone", "--quiet", "--no-checkout", "--template=", "--", `${url}.git`, "."]);
  if (cloned.kind === "failed") return failed(`${url} could not be cloned`, cloned);
  const target = await findTarget(git, ref);
  if (target === undefined) {
    const message = `${url} has no branch, tag or commit "${ref}"; check repo_ref.`;
    return { kind: "failed", message, detail: "" };
  }
  const checkedOut = await runGit(git, ["checkout", "--quiet", ...target.checkout]);
  if (checkedOut.kind === "failed")
    return failed(`${ref || "the default branch"} could not be checked out`, checkedOut);
  const head = await runGit(git, ["log", "-1", "--format=%H%n%s"]);
  if (head.kind === "failed") return failed(`${url} has no commits`, head);
  const [commit = "", subject = ""] = head.output.split("\n");
  const duration = durationFromMs(Math.round(performance.now() - startMs));
  emit({ case: "checkedOut", value: { commit, ref: target.ref, subject: subject.slice(0, 500), duration } });
  return { kind: "ready" };
}

interface CheckoutTarget {
  /** Branch or tag; empty for a commit. */
  readonly ref: string;
  readonly checkout: readonly string[];
}

/** A branch goes before a tag, and both before a commit of the same name. */
async function findTarget(git: GitContext, ref: string): Promise<CheckoutTarget | undefined> {
  const branch = ref === "" ? await defaultBranch(git) : ref;
  if (branch !== undefined && (await exists(git, `refs/remotes/origin/${branch}`))) {
    return { ref: branch, checkout: ["-B", branch, "--track", `refs/remotes/origin/${branch}`] };
  }
  if (ref === "") return { ref: "", checkout: ["--detach", "HEAD"] };
  if (await exists(git, `refs/tags/${ref}`)) return { ref, checkout: ["--detach", `refs/tags/${ref}`] };
  return (await hasCommit(git, ref)) ? { ref: "", checkout: ["--detach", ref] } : undefined;
}

async function defaultBranch(git: GitContext): Promise<string | undefined> {
  const head = await runGit(git, ["symbolic-ref", "--short", "refs/remotes/origin/HEAD"]);
  return head.kind === "done" ? head.output.replace(/^origin\//, "") : undefined;
}

async function exists(git: GitContext, name: string): Promise<boolean> {
  return (await runGit(git, ["show-ref", "--verify", "--quiet", name])).kind === "done";
}

async function hasCommit(git: GitContext, ref: string): Promise<boolean> {
  if (!/^([0-9a-f]{7,40}|[0-9a-f]{64})$/.test(ref)) return false;
  const isHere = async () => (await runGit(git, ["cat-file", "-e", `${ref}^{commit}`])).kind === "done";
  if (await isHere()) return true;
  // A commit that no branch or tag leads to; hosts hand it out when asked for by its whole name.
  await runGit(git, ["fetch", "--quiet", "origin", ref]);
  return isHere();
}

function failed(what: string, result: Extract<GitResult, { kind: "failed" }>): WorkspaceResult {
  const [reason = ""] = result.problem.split("\n").slice(-1);
  return { kind: "failed", message: `${what}: ${reason}`, detail: result.problem };
}
