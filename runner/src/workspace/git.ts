import type { Duplex } from "node:stream";
import { jobMarker } from "../process/process-table.ts";
import { runConfined } from "../sandbox/run-confined.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";

/** Where and for whom git runs. */
export interface GitContext {
  readonly jobId: string;
  readonly sandbox: Sandbox;
  /** Working directory. */
  readonly directory: string;
  readonly home: string;
  /** Absolute paths that it may write, and others that it may read. */
  readonly writable: readonly string[];
  readonly readable: readonly string[];
  readonly network: "none" | "proxied";
  readonly path: string;
  readonly signal: AbortSignal;
}

/** How a git command ended. */
export type GitResult =
  | { readonly kind: "done"; readonly output: string }
  /** What git said on standard error, without anything that looks like a credential. */
  | { readonly kind: "failed"; readonly problem: string };

/** What git wrote, or why it failed. */
export type GitOutput =
  /** `isCut`: it wrote more than it was to, and was ended. */
  { readonly kind: "done"; readonly output: Buffer; readonly isCut: boolean } | Extract<GitResult, { kind: "failed" }>;

/** A command to run as git is run, and what it reads and may write. */
export interface GitRun {
  readonly argv: readonly [string, ...string[]];
  /** Variables to add. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  readonly maxOutputBytes: number;
  /** Talks with whoever has file descriptor `talkDescriptor` of it. */
  readonly talk?: (channel: Duplex) => void;
}

/**
 * Runs git on input that nobody trusts: no configuration but this one, no hooks, no helpers, no prompts, no protocol but
 * http(s), and no redirects that could lead it elsewhere.
 */
export async function runGit(
  context: GitContext,
  args: readonly string[],
  maxOutputBytes = usualOutputBytes,
): Promise<GitResult> {
  const result = await runAsGit(context, { argv: ["git", ...gitFlags, ...args], maxOutputBytes });
  if (result.kind === "failed") return result;
  if (result.isCut) return { kind: "failed", problem: `git wrote more than ${maxOutputBytes} bytes` };
  return { kind: "done", output: result.output.toString().replace(/\n$/, "") };
}

/** Runs a command where and as git is run, such as a script of several of its commands; those take `gitFlags`. */
export async function runAsGit(context: GitContext, run: GitRun): Promise<GitOutput> {
  const { jobId, sandbox, directory, home, writable, readable, network, path, signal } = context;
  const { argv, env, input, maxOutputBytes, talk } = run;
  const command = {
    argv,
    env: { ...gitEnvironment, ...env, PATH: path, HOME: home, [jobMarker]: jobId },
    directory,
    writable,
    readable,
    network,
  };
  const given = { ...(input === undefined ? {} : { input }), ...(talk && { talk }) };
  const result = await runConfined(sandbox, { command, signal, maxOutputBytes, ...given });
  if (result.kind === "unstartable") return { kind: "failed", problem: `git cannot be started: ${result.code}` };
  const { exit, stdout: output, stderr, isCut } = result;
  if (isCut || (exit.kind === "exited" && exit.exitCode === 0)) return { kind: "done", output, isCut };
  const how = exit.kind === "exited" ? `exited with ${exit.exitCode}` : `was ended by ${exit.signal}`;
  return { kind: "failed", problem: hideCredentials(stderr) || `${argv[0]} ${how}` };
}

const usualOutputBytes = 1 << 20;

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
  "fetch.recurseSubmodules=false",
  "fetch.unpackLimit=1",
  "transfer.fsckObjects=true",
  // What old programs wrote into histories that are still in use; it harms nobody.
  "fetch.fsck.zeroPaddedFilemode=ignore",
  "fetch.fsck.badTimezone=ignore",
  "fetch.fsck.missingSpaceBeforeDate=ignore",
  "http.followRedirects=false",
  "http.lowSpeedLimit=1000",
  "http.lowSpeedTime=60",
  "gc.auto=0",
  "maintenance.auto=false",
  "checkout.workers=2",
  "advice.detachedHead=false",
];

/** What every git command is given first. */
export const gitFlags: readonly string[] = gitSettings.flatMap((setting) => ["-c", setting]);

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
