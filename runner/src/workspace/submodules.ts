import { realpathSync } from "node:fs";
import { join } from "node:path";
import { parseRepoRef } from "#protocol/repo-ref.ts";
import { isRepositoryAllowed } from "./allowed-repositories.ts";
import { type GitContext, runGit } from "./git.ts";
import { replaceGitDirectory } from "./git-directory.ts";
import { mainLine } from "./git-problem.ts";
import { type MirrorRequest, type OpenMirror, openMirror } from "./mirror.ts";
import type { HostFailure } from "./mirror-repository.ts";

/** A repository in a workspace whose submodules are to be brought. */
export interface Superproject {
  readonly mirror: OpenMirror;
  /** Absolute; the workspace itself, or a directory in it. */
  readonly directory: string;
  /** Submodules that it is in, itself included. */
  readonly level: number;
}

/** What submodules are brought with. */
export interface SubmoduleParts {
  /** Absolute. */
  readonly workspace: string;
  /** Git behind the job's walls. */
  readonly git: GitContext;
  readonly rules: Parameters<typeof parseRepoRef>[1];
  readonly allowedRepositories: readonly string[] | undefined;
  /** For their mirrors. */
  readonly mirror: Omit<MirrorRequest, "url" | "ref">;
}

/** A submodule as its superproject names it. */
interface Submodule {
  readonly name: string;
  readonly path: string;
  readonly url: string;
  readonly commit: string;
}

/**
 * Brings the submodules of a workspace that was just checked out, and theirs, each from a mirror. Nothing of what they say
 * is run, and only repositories are fetched that a job could be started on. Undefined when all are there.
 */
export async function bringSubmodules(project: Superproject, parts: SubmoduleParts): Promise<HostFailure | undefined> {
  const found = await listSubmodules(inProject(project, parts));
  if (found.length > 0 && project.level >= maxLevel) return refused(`submodules lie more than ${maxLevel} deep`);
  if (found.length > maxSubmodules) return refused(`there are more than ${maxSubmodules} submodules`);
  for (const submodule of found) {
    const problem = await bring(submodule, project, parts);
    if (problem !== undefined) return { ...problem, reason: `submodule "${submodule.path}": ${problem.reason}` };
  }
  return undefined;
}

const maxLevel = 8;
const maxSubmodules = 200;

async function bring(
  submodule: Submodule,
  project: Superproject,
  parts: SubmoduleParts,
): Promise<HostFailure | undefined> {
  const url = locate(submodule, project, parts);
  if (typeof url !== "string") return url;
  const mirror = await openMirror({ ...parts.mirror, url, ref: submodule.commit });
  if (mirror.kind === "failed") return mirror;
  const { workspace, git } = parts;
  const directory = join(project.directory, submodule.path);
  // Git made this directory just now; no job has run here yet.
  if (realpathSync(directory) !== join(realpathSync(workspace), directory.slice(workspace.length)))
    return refused("its path is a link");
  const { repository, refs, target } = mirror;
  const { history } = parts.mirror;
  const { sandbox } = git;
  const plan = { url, target, ids: refs.ids, mirror: repository, history, lfs: false, sandbox };
  replaceGitDirectory(workspace, plan, directory);
  const inside = { mirror, directory, level: project.level + 1 };
  const filled = await runGit(inProject(inside, parts), [...here, "read-tree", "--reset", "-u", "HEAD"]);
  if (filled.kind === "failed") return refused(mainLine(filled.problem));
  await register(submodule, url, inProject(project, parts));
  return bringSubmodules(inside, { ...parts, git: { ...git, readable: [...git.readable, repository] } });
}

/** The canonical URL of a submodule, if it may be fetched. */
function locate({ url }: Submodule, { mirror }: Superproject, { rules, allowedRepositories }: SubmoduleParts) {
  const absolute = /^\.\.?\//.test(url) ? resolveUrl(`${mirror.url}.git`, url) : url;
  if (!absolute.includes("://")) return refused(`its URL is "${url}", which is not an https URL`);
  const parsed = parseRepoRef(absolute, rules);
  if (parsed.kind !== "repository" || parsed.ref !== "") {
    return refused(`its URL is "${url}"${parsed.kind === "refused" ? `: ${parsed.reason}` : ""}`);
  }
  if (isRepositoryAllowed(parsed.url, allowedRepositories)) return parsed.url;
  return refused(`this runner's operator does not allow ${parsed.url}`);
}

/** As git does it: relative to the superproject's URL, of which ".." takes off the last part. */
function resolveUrl(base: string, relative: string): string {
  const { origin, pathname } = new URL(base);
  const parts = pathname.split("/");
  let rest = relative;
  for (;;) {
    if (rest.startsWith("./")) rest = rest.slice(2);
    else if (rest.startsWith("../")) {
      parts.pop();
      rest = rest.slice(3);
    } else return `${origin}${[...parts, rest].join("/")}`;
  }
}

async function listSubmodules(git: GitContext): Promise<readonly Submodule[]> {
  const listed = await runGit(git, [...here, "ls-files", "--stage", "-z"], maxListBytes);
  if (listed.kind === "failed") throw new Error(`files cannot be listed: ${listed.problem}`);
  const links = listed.output.split("\0").flatMap((line) => {
    const [, commit = "", path = ""] = /^160000 ([0-9a-f]+) 0\t(.*)$/s.exec(line) ?? [];
    return path === "" ? [] : [{ commit, path }];
  });
  if (links.length === 0) return [];
  const wanted = "^submodule\\..*\\.(path|url)$";
  // Without the file, or with one that is none, there are links that lead nowhere.
  const read = await runGit(git, [...here, "config", "--null", "--blob=HEAD:.gitmodules", "--get-regexp", wanted]);
  const entries = read.kind === "done" ? read.output.split("\0").map((entry) => entry.split(/\n(.*)/s)) : [];
  const values = new Map(entries.map(([key = "", value = ""]) => [key, value]));
  return links.flatMap(({ commit, path }) => {
    const key = [...values].find(([name, value]) => name.endsWith(".path") && value === path)?.[0];
    const name = key?.slice("submodule.".length, -".path".length);
    const url = values.get(`submodule.${name}.url`);
    return name === undefined || url === undefined ? [] : [{ name, path, url, commit }];
  });
}

/** Has git in the workspace know the submodule as one that is wanted. */
async function register({ name }: Submodule, url: string, git: GitContext): Promise<void> {
  for (const [key, value] of [
    ["active", "true"],
    ["url", `${url}.git`],
  ]) {
    await runGit(git, ["config", "--file=.git/config", `submodule.${name}.${key}`, `${value}`]);
  }
}

function inProject({ mirror, directory }: Superproject, { git }: SubmoduleParts): GitContext {
  return { ...git, directory, readable: [...git.readable, mirror.repository] };
}

function refused(reason: string): HostFailure {
  return { kind: "failed", why: "other", reason, detail: "" };
}

const here = ["--git-dir=.git", "--work-tree=."];
const maxListBytes = 64 << 20;
