import { type HostAccess, type HostResult, runHostGit } from "./host-git.ts";

/** A commit to push to a branch of its repository. */
export interface Push {
  readonly commit: string;
  readonly branch: string;
  /** Replace a branch that stands elsewhere. */
  readonly force: boolean;
}

/** What came of a push. */
export type PushResult =
  | { readonly kind: "pushed" }
  /** `moved`: the branch stands elsewhere; `credentials`: none or wrong ones; `host`: it refuses, or is not there. */
  | { readonly kind: "refused"; readonly why: "moved" | "credentials" | "host"; readonly reason: string };

/** Pushes from a repository that no job can write; `host.git` runs in it. */
export async function pushCommit(host: HostAccess, { commit, branch, force }: Push): Promise<PushResult> {
  const how = ["--no-verify", "--no-thin", "--quiet", ...(force ? ["--force"] : [])];
  const target = `${commit}:refs/heads/${branch}`;
  const result = await runHostGit(host, ["--git-dir=.", "push", ...how, "--", `${host.url}.git`, target]);
  return result.kind === "done" ? { kind: "pushed" } : refusal(host, branch, result);
}

function refusal({ url }: HostAccess, branch: string, result: Extract<HostResult, { kind: "failed" }>): PushResult {
  const { host } = new URL(url);
  const { detail } = result;
  if (/\[rejected\].*\((fetch first|non-fast-forward|already exists|stale info)\)/.test(detail)) {
    const reason = `branch ${branch} of ${host} stands elsewhere, and is not replaced without force`;
    return { kind: "refused", why: "moved", reason };
  }
  if (result.why === "refused") return { kind: "refused", why: "credentials", reason: result.reason };
  const said = remoteLines(detail);
  return { kind: "refused", why: "host", reason: said === "" ? result.reason : `${host} refuses the push: ${said}` };
}

/** What the host itself says of a push that it refuses, such as for a protected branch. */
function remoteLines(detail: string): string {
  const lines = [...detail.matchAll(/^remote:\s*(.*\S)\s*$/gm)].map(([, line = ""]) => line.replace(/^error: /, ""));
  const [, status = ""] = /\[remote rejected\].*\((.*)\)/.exec(detail) ?? [];
  return [...lines, status]
    .filter((line) => line !== "")
    .join("; ")
    .slice(0, maxReasonLength);
}

const maxReasonLength = 500;
