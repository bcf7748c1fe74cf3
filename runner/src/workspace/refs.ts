import { type GitContext, runGit } from "./git.ts";

/** Branches, tags and other refs of a mirror. */
export interface Refs {
  /** The default branch; undefined when that has no commits. */
  readonly head: string | undefined;
  /** Object ids by full names. */
  readonly ids: ReadonlyMap<string, string>;
}

/** What a job works on. */
export interface Target {
  /** Branch or tag; empty for a commit. */
  readonly ref: string;
  readonly kind: "branch" | "other";
  /** A commit, or a tag of one. */
  readonly id: string;
}

/** Where a mirror notes what its host's HEAD is at. */
export const remoteHeadRef = "refs/blazecraft/head";

/** Reads the refs of a mirror. */
export async function readRefs(git: GitContext): Promise<Refs> {
  const args = ["--git-dir=.", "for-each-ref", "--format=%(HEAD)%(objectname) %(refname)"];
  const listed = await runGit(git, args, maxRefBytes);
  if (listed.kind === "failed") throw new Error(`refs of ${git.directory} cannot be read: ${listed.problem}`);
  // A name that is not UTF-8 cannot be asked for, and is left out.
  const lines = listed.output.split("\n").filter((line) => line !== "" && !line.includes("\uFFFD"));
  const refs = lines.map((line) => ({
    isHead: line.startsWith("*"),
    id: line.slice(1, line.indexOf(" ", 1)),
    name: line.slice(line.indexOf(" ", 1) + 1),
  }));
  const head = refs.find(({ isHead }) => isHead)?.name.slice(branches.length);
  return { head, ids: new Map(refs.map(({ name, id }) => [name, id])) };
}

/** A branch goes before a tag; neither may be a commit's id. */
export function findTarget(ref: string, refs: Refs): Target | undefined {
  if (ref === "") return findDefault(refs);
  const { ids } = refs;
  const branchId = ids.get(`${branches}${branchName(ref)}`);
  if (branchId !== undefined) return { ref: branchName(ref), kind: "branch", id: branchId };
  const id = ids.get(isProposal(ref) ? ref : `${tags}${tagName(ref)}`);
  return id === undefined ? undefined : { ref: tagName(ref), kind: "other", id };
}

function findDefault({ head, ids }: Refs): Target | undefined {
  const remoteId = ids.get(remoteHeadRef);
  const id = head === undefined ? undefined : ids.get(`${branches}${head}`);
  if (head !== undefined && id !== undefined && (remoteId === undefined || remoteId === id))
    return { ref: head, kind: "branch", id };
  // The host's HEAD is at no branch.
  return remoteId === undefined ? undefined : { ref: "", kind: "other", id: remoteId };
}

/** Whether a ref is the whole name of a pull request's or merge request's. */
export function isProposal(ref: string): boolean {
  return /^refs\/(pull|merge-requests)\/[0-9]{1,9}\/(head|merge)$/.test(ref);
}

/** Whether a ref may be a commit's id, or the beginning of one. */
export function isCommitId(ref: string): boolean {
  return /^([0-9a-f]{7,40}|[0-9a-f]{64})$/.test(ref);
}

/** Whether a ref is the whole id of a commit, if that of any. */
export function isWholeCommitId(ref: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(ref);
}

/** The branch that a ref names, if it is one. */
export function branchName(ref: string): string {
  return ref.startsWith(branches) ? ref.slice(branches.length) : ref;
}

/** The tag that a ref names, if it is one. */
export function tagName(ref: string): string {
  return ref.startsWith(tags) ? ref.slice(tags.length) : ref;
}

const branches = "refs/heads/";
const tags = "refs/tags/";
const maxRefBytes = 64 << 20;
