import { execa } from "execa";
import { jobMarker } from "../process/process-table.ts";

/** Where and for whom git runs. */
export interface GitContext {
  readonly jobId: string;
  /** Working directory. */
  readonly directory: string;
  readonly home: string;
  readonly path: string;
  readonly signal: AbortSignal;
}

/** How a git command ended. */
export type GitResult =
  | { readonly kind: "done"; readonly output: string }
  /** What git said on standard error, without anything that looks like a credential. */
  | { readonly kind: "failed"; readonly problem: string };

/**
 * Runs git on input that nobody trusts: no configuration but this one, no hooks, no helpers, no prompts, no protocol but
 * http(s), and no redirects that could lead it elsewhere.
 */
export async function runGit(context: GitContext, args: readonly string[]): Promise<GitResult> {
  const { jobId, directory, home, path, signal } = context;
  const settings = gitSettings.flatMap((setting) => ["-c", setting]);
  const { failed, stdout, stderr, isCanceled, originalMessage } = await execa("git", [...settings, ...args], {
    cwd: directory,
    env: { ...gitEnvironment, PATH: path, HOME: home, [jobMarker]: jobId },
    extendEnv: false,
    stdin: "ignore",
    reject: false,
    cancelSignal: signal,
    killDescendants: true,
    maxBuffer: 1 << 20,
  });
  if (isCanceled) signal.throwIfAborted();
  if (failed) return { kind: "failed", problem: hideCredentials(stderr || originalMessage || "git failed") };
  return { kind: "done", output: stdout };
}

const gitSettings = [
  "protocol.allow=never",
  "protocol.https.allow=always",
  // Reachable only for loopback hosts: parseRepoRef takes no other URL of this kind.
  "protocol.http.allow=always",
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "core.askPass=/bin/false",
  "credential.helper=",
  "safe.bareRepository=explicit",
  "submodule.recurse=false",
  "transfer.fsckObjects=true",
  "http.followRedirects=false",
  "http.lowSpeedLimit=1000",
  "http.lowSpeedTime=60",
  "advice.detachedHead=false",
];

const gitEnvironment = {
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_ALLOW_PROTOCOL: "https:http",
  GIT_LFS_SKIP_SMUDGE: "1",
  LC_ALL: "C",
};

function hideCredentials(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/g, "//").trim();
}
