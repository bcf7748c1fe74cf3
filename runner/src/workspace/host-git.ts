import { CredentialHelper, helperSettings } from "./credential-helper.ts";
import type { Access, CredentialStore, Credentials } from "./credentials.ts";
import { type GitContext, gitFlags, runAsGit } from "./git.ts";
import { type HostProblem, hostProblem, mainLine } from "./git-problem.ts";

/** A repository on its host, and the git that may talk to it: never one that runs what a job can change. */
export interface HostAccess {
  /** Canonical. */
  readonly url: string;
  readonly access: Access;
  readonly git: GitContext;
  readonly credentials: CredentialStore;
}

/** What came of talking to a host. */
export type HostResult =
  | { readonly kind: "done"; readonly output: string }
  | {
      readonly kind: "failed";
      readonly why: HostProblem;
      /** A fact for a person. */
      readonly reason: string;
      /** What git said. */
      readonly detail: string;
    };

/** More about one run. */
export interface HostGitOptions {
  /** Settings besides the usual ones, "name=value". */
  readonly settings?: readonly string[];
  readonly input?: string;
  /** Largest file that it may write. */
  readonly maxFileBytes?: number;
}

/** Runs a git command that talks to the repository's host, with credentials for exactly that when the host asks. */
export async function runHostGit(
  host: HostAccess,
  args: readonly string[],
  options: HostGitOptions = {},
): Promise<HostResult> {
  const first = await tryOnce(host, args, options);
  if (first.result.kind === "done" || !first.canTryAgain) return first.result;
  return (await tryOnce(host, args, options)).result;
}

async function tryOnce(
  host: HostAccess,
  args: readonly string[],
  { settings = [], input, maxFileBytes }: HostGitOptions,
): Promise<{ readonly result: HostResult; readonly canTryAgain: boolean }> {
  const { url, access, git, credentials } = host;
  const helper = new CredentialHelper(credentials, url, access);
  const flags = [...helperSettings, ...settings].flatMap((setting) => ["-c", setting]);
  const limit = maxFileBytes === undefined ? [] : (["prlimit", `--fsize=${maxFileBytes}`] as const);
  const [program, ...rest] = [...limit, "git", ...gitFlags, ...flags, ...args];
  const ran = await runAsGit(git, {
    argv: [program, ...rest],
    ...(input === undefined ? {} : { input }),
    maxOutputBytes,
    talk: (channel) => helper.talk(channel),
  });
  if (ran.kind === "done") return { result: { kind: "done", output: ran.output.toString() }, canTryAgain: false };
  const why = helper.credentials.kind === "failed" ? "refused" : hostProblem(ran.problem);
  const reason = describe(url, why, { credentials: helper.credentials, complaint: ran.problem });
  const result = { kind: "failed", why, reason, detail: ran.problem } as const;
  return { result, canTryAgain: helper.canTryAgain };
}

/** A listing of refs. */
const maxOutputBytes = 64 << 20;

interface Circumstances {
  readonly credentials: Credentials;
  readonly complaint: string;
}

function describe(url: string, why: HostProblem, { credentials, complaint }: Circumstances): string {
  const { host, pathname } = new URL(url);
  const path = pathname.slice(1);
  switch (why) {
    case "unreachable":
      return `${host} cannot be reached: ${mainLine(complaint)}`;
    case "refused":
      if (credentials.kind === "failed") return credentials.problem;
      return credentials.kind === "given"
        ? `${host} does not take ${credentials.origin} for ${path}`
        : `${host} wants credentials for ${path}, and this runner has none`;
    case "missing":
      return `${host} has no repository ${path}, or does not show it to this runner`;
    case "too-large":
      return "it is larger than MIRROR_CACHE_BYTES lets it be";
    case "no-ref":
    case "other":
      return mainLine(complaint);
  }
}
