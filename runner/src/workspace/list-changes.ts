import { FileChange } from "#gen/job/v1/job_service_pb.js";
import { type GitContext, gitFlags, runAsGit } from "./git.ts";
import { inWorkspace, type WorkspaceFailure } from "./snapshot.ts";

/** What happened to one file between two trees. */
export interface ChangedFile {
  readonly path: string;
  /** Path before, when it was renamed or copied; empty otherwise. */
  readonly oldPath: string;
  readonly change: FileChange;
  readonly insertions: number;
  readonly deletions: number;
  readonly binary: boolean;
  /** Parts of a patch that tell of it: two when it is of another type. */
  readonly patchParts: 1 | 2;
}

/** Two trees or commits. */
export interface TreeRange {
  readonly from: string;
  readonly to: string;
}

/** Every file that differs, in path order. */
export async function listChanges(
  git: GitContext,
  range: TreeRange,
): Promise<{ readonly kind: "listed"; readonly files: readonly ChangedFile[] } | WorkspaceFailure> {
  const options = ["-z", "--raw", "--numstat"];
  const result = await diffTrees(git, range, { options, paths: [], maxOutputBytes: maxListBytes });
  if (result.kind === "failed") return result;
  if (result.isCut) return { kind: "failed", problem: "more files changed than can be listed" };
  return { kind: "listed", files: parseChanges(result.output) };
}

/** What to tell of two trees. */
export interface TreeDiff {
  readonly options: readonly string[];
  /** Only of these files; empty: of all. */
  readonly paths: readonly string[];
  readonly maxOutputBytes: number;
}

/** What `git diff-tree` says: renames and copies are told, and no program of a repository is run. */
export function diffTrees(git: GitContext, { from, to }: TreeRange, { options, paths, maxOutputBytes }: TreeDiff) {
  const all = [...settings, "diff-tree", ...plain, ...options, from, to, "--", ...paths.map(literal)];
  return runAsGit(git, { argv: ["git", ...gitFlags, ...all], env: inWorkspace, maxOutputBytes });
}

const settings = ["-c", "core.quotePath=true", "-c", "diff.suppressBlankEmpty=false", "-c", "diff.renameLimit=1000"];
const plain = ["-r", "--find-renames", "--find-copies", "--no-ext-diff", "--no-textconv", "--no-color"];

function literal(path: string): string {
  return `:(top,literal)${path}`;
}

/** Parses the output of --raw and --numstat with -z: first all of the one, then all of the other. */
export function parseChanges(output: Buffer): readonly ChangedFile[] {
  const fields = output.toString().split("\0").slice(0, -1);
  const changes: { path: string; oldPath: string; change: FileChange; patchParts: 1 | 2 }[] = [];
  const counts = new Map<string, Counts>();
  for (let at = 0; at < fields.length; ) {
    const head = fields[at] ?? "";
    if (head.startsWith(":")) {
      const { letter, ...told } = parseRawHead(head);
      const hasTwoPaths = letter === "R" || letter === "C";
      const [first = "", second = ""] = fields.slice(at + 1, at + 3);
      changes.push({ ...told, ...(hasTwoPaths ? { oldPath: first, path: second } : { oldPath: "", path: first }) });
      at += hasTwoPaths ? 3 : 2;
    } else {
      const { path, ...counted } = parseCounts(head);
      // Of a file with two paths they follow, the newer one last.
      counts.set(path === "" ? (fields[at + 2] ?? "") : path, counted);
      at += path === "" ? 3 : 1;
    }
  }
  return changes.map((change) => ({ ...change, ...(counts.get(change.path) ?? uncounted) }));
}

interface Counts {
  readonly insertions: number;
  readonly deletions: number;
  readonly binary: boolean;
}

const uncounted: Counts = { insertions: 0, deletions: 0, binary: false };

/** Such as ":100644 100755 <id> <id> M". */
function parseRawHead(head: string) {
  const [oldMode = "", newMode = "", oldId = "", newId = "", status = ""] = head.slice(1).split(" ");
  const letter = status.slice(0, 1);
  const hasOtherMode = letter === "M" && oldMode !== newMode && oldId === newId;
  const change = hasOtherMode ? FileChange.TYPE_CHANGED : (changes[letter] ?? FileChange.MODIFIED);
  return { letter, change, patchParts: letter === "T" ? (2 as const) : (1 as const) };
}

const changes: Readonly<Record<string, FileChange>> = {
  A: FileChange.ADDED,
  C: FileChange.COPIED,
  D: FileChange.DELETED,
  M: FileChange.MODIFIED,
  R: FileChange.RENAMED,
  T: FileChange.TYPE_CHANGED,
};

/** Such as "3\t1\tpath", and "-\t-\tpath" of a binary file. */
function parseCounts(text: string): Counts & { readonly path: string } {
  const [, added = "", removed = "", path = ""] = /^([0-9]+|-)\t([0-9]+|-)\t(.*)$/s.exec(text) ?? [];
  return { insertions: Number(added) || 0, deletions: Number(removed) || 0, binary: added === "-", path };
}

const maxListBytes = 32 << 20;
