import { noSandbox } from "../sandbox/none.ts";
import { runConfined } from "../sandbox/run-confined.ts";

/** Which git is here for jobs. */
export interface GitStatus {
  /** Why no job on a repository can be run, a fact for a person; undefined when they can. */
  readonly problem: string | undefined;
  readonly hasLfs: boolean;
}

/** From then on git can be told not to take what lies within a repository for another one (safe.bareRepository). */
const minVersion = [2, 38] as const;

/** Looks for git on the PATH that jobs have. */
export async function probeGit(path: string, signal: AbortSignal): Promise<GitStatus> {
  const [git, lfs] = await Promise.all([
    version(["version"], { path, signal }),
    version(["lfs", "version"], { path, signal }),
  ]);
  return { problem: problemOf(git), hasLfs: lfs?.startsWith("git-lfs/") ?? false };
}

/** What it says of its version; undefined when it is not there. */
async function version(args: readonly string[], { path, signal }: { path: string; signal: AbortSignal }) {
  const argv = ["git", ...args] as const;
  const command = { argv, env: { PATH: path }, directory: "/", writable: [], readable: [], network: "none" } as const;
  const result = await runConfined(noSandbox, { command, signal, maxOutputBytes: 4096 });
  return result.kind === "ended" ? result.stdout.toString().trim() : undefined;
}

function problemOf(said: string | undefined): string | undefined {
  if (said === undefined) return "git is not installed on this runner";
  const [, found = "", major = "", minor = ""] = /^git version (([0-9]+)\.([0-9]+)\S*)/.exec(said) ?? [];
  const [leastMajor, leastMinor] = minVersion;
  const isRecent = Number(major) > leastMajor || (Number(major) === leastMajor && Number(minor) >= leastMinor);
  return isRecent ? undefined : `git ${found || "of this runner"} is older than ${minVersion.join(".")}`;
}
