import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { giveNew } from "../sandbox/give.ts";
import { type GitContext, gitFlags, runAsGit } from "./git.ts";
import { inWorkspace, type WorkspaceFailure } from "./snapshot.ts";

/** A commit, and where it is to be had. */
export interface CommitSource {
  /** Git in the workspace that holds it, behind the job's walls. */
  readonly workspace: GitContext;
  readonly commit: string;
  /** Commit of the mirror on which it is built. */
  readonly base: string;
  /** Absolute path of the mirror's repository. */
  readonly mirror: string;
}

/** A bare repository that no job can write, with a commit of one in it. */
export interface CleanRepository extends Disposable {
  /** Git in it, which sees nothing of the job. */
  readonly git: GitContext;
}

/**
 * Takes a commit out of a workspace into a fresh repository at this path: nothing that a job can have said in its own, such
 * as configuration, hooks, or where to push, counts there. Every object is checked on the way.
 */
export async function openCleanRepository(
  path: string,
  hostGit: GitContext,
  source: CommitSource,
): Promise<({ readonly kind: "open" } & CleanRepository) | WorkspaceFailure> {
  const packed = await packCommit(source);
  if (packed.kind === "failed") return packed;
  const directory = resolve(path);
  const dispose = () => rmSync(directory, { recursive: true, force: true });
  writeRepository(directory, source);
  giveNew(hostGit.sandbox, directory);
  const git = { ...hostGit, directory, writable: [directory], readable: [source.mirror] };
  const argv = ["git", ...gitFlags, "index-pack", "--stdin", "--strict"] as const;
  const env = { GIT_DIR: "." };
  const indexed = await runAsGit({ ...git, network: "none" }, { argv, env, input: packed.pack, maxOutputBytes: 4096 });
  if (indexed.kind === "done") return { kind: "open", git, [Symbol.dispose]: dispose };
  dispose();
  return { kind: "failed", problem: `the commit is not sound: ${indexed.problem}` };
}

async function packCommit({ workspace, commit, base }: CommitSource) {
  const argv = ["git", ...gitFlags, "pack-objects", "--quiet", "--revs", "--stdout", "--delta-base-offset"] as const;
  const input = `${commit}\n^${base}\n`;
  const packed = await runAsGit(workspace, { argv, env: inWorkspace, input, maxOutputBytes: maxPackBytes });
  if (packed.kind === "failed") return packed;
  if (packed.isCut) return { kind: "failed" as const, problem: `it is larger than ${maxPackBytes >> 20} MiB` };
  return { kind: "packed" as const, pack: packed.output };
}

/** All of it is held in memory on its way. */
const maxPackBytes = 256 << 20;

function writeRepository(path: string, { commit, mirror }: CommitSource): void {
  rmSync(path, { recursive: true, force: true });
  for (const name of ["objects/info", "objects/pack", "refs/heads"])
    mkdirSync(`${path}/${name}`, { recursive: true, mode: 0o700 });
  const isSha256 = commit.length === 64;
  const extensions = isSha256 ? "[extensions]\n\tobjectFormat = sha256\n" : "";
  writeFileSync(`${path}/HEAD`, "ref: refs/heads/none\n");
  writeFileSync(
    `${path}/config`,
    `[core]\n\trepositoryformatversion = ${isSha256 ? 1 : 0}\n\tbare = true\n${extensions}`,
  );
  writeFileSync(`${path}/objects/info/alternates`, `${mirror}/objects\n`);
  // Commits whose parents are not there.
  if (existsSync(`${mirror}/shallow`)) writeFileSync(`${path}/shallow`, readFileSync(`${mirror}/shallow`));
}
