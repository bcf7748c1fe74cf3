import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { runGit } from "./run-git.ts";

/** A commit to be made: what it says, and what it puts at each path, or removes where that is null. */
export interface CommitPlan {
  readonly message: string;
  readonly files: Readonly<Record<string, Content | null>>;
}

/** A file of mode 644, a symbolic link, or a submodule. */
export type Content = string | { readonly linkTo: string } | { readonly commit: string };

/** A bare repository on disk. */
export interface Repository {
  /** Its folder, `<folder>/<name>.git`. */
  readonly path: string;
  /** The ids of its commits, oldest first: the same plan gives the same ids. */
  readonly commits: readonly string[];
}

/** Make a bare repository `name` (such as `acme/api`) under a folder, with the given commits on its branch `main`. */
export async function makeRepository(
  folder: string,
  name: string,
  commits: readonly CommitPlan[],
): Promise<Repository> {
  const path = join(folder, `${name}.git`);
  await mkdir(path, { recursive: true });
  await runGit(path, ["init", "--quiet", "--bare", "--initial-branch=main"]);
  await runGit(path, ["fast-import", "--quiet"], commits.map(toImport).join(""));
  const listed = await runGit(path, ["rev-list", "--reverse", "main"]);
  return { path, commits: listed.split("\n") };
}

/** A commit in the language of `git fast-import`, a minute after the one before it. */
function toImport({ message, files }: CommitPlan, position: number): string {
  const seconds = 1_767_225_600 + 60 * position;
  const changes = Object.entries(files).map(([path, content]) => toChange(path, content));
  const head = `commit refs/heads/main\ncommitter Ana <ana@example.com> ${seconds} +0000\n${toData(message)}`;
  return `${head}${changes.join("")}\n`;
}

function toChange(path: string, content: Content | null): string {
  if (content === null) return `D ${path}\n`;
  if (typeof content === "string") return `M 100644 inline ${path}\n${toData(content)}`;
  if ("commit" in content) return `M 160000 ${content.commit} ${path}\n`;
  return `M 120000 inline ${path}\n${toData(content.linkTo)}`;
}

function toData(content: string): string {
  return `data ${Buffer.byteLength(content)}\n${content}\n`;
}
