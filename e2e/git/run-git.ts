import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

/** The environment of a git that sees no configuration of the machine, asks nothing, and always commits as the same person. */
export const isolatedGit: Readonly<Record<string, string>> = {
  PATH: process.env.PATH ?? "",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "Ana",
  GIT_AUTHOR_EMAIL: "ana@example.com",
  GIT_AUTHOR_DATE: "2026-01-01T00:00:00Z",
  GIT_COMMITTER_NAME: "Ana",
  GIT_COMMITTER_EMAIL: "ana@example.com",
  GIT_COMMITTER_DATE: "2026-01-01T00:00:00Z",
};

/** Run git in a folder, with the given text as its input, and return what it printed; throws what it complained of. */
export async function runGit(folder: string, args: readonly string[], input = ""): Promise<string> {
  const child = spawn("git", args, { cwd: folder, env: isolatedGit });
  const exited = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  // A git that fails before it reads says so itself.
  child.stdin.on("error", () => undefined).end(input);
  const [output, complaint, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  if (exitCode !== 0) throw new Error(`git ${args[0]} exited with ${exitCode}: ${complaint.trim()}`);
  return output.trim();
}
