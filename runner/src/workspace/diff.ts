import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Diffstat, DiffstatSchema } from "#gen/job/v1/job_pb.js";
import { type Diff, DiffSchema, type FileDiff, FileDiffSchema } from "#gen/job/v1/job_service_pb.js";
import type { GitContext } from "./git.ts";
import { type ChangedFile, diffTrees, listChanges, type TreeRange } from "./list-changes.ts";
import type { WorkspaceFailure } from "./snapshot.ts";
import { cutPatch, splitPatch } from "./split-patch.ts";

/** What to show of what changed. */
export interface DiffWish extends TreeRange {
  /** Only this file; empty: all. */
  readonly path: string;
  /** Names and counts alone. */
  readonly statOnly: boolean;
}

/** What changed between two trees, within the limits of the contract. `from` must be a commit. */
export async function readDiff(
  git: GitContext,
  { path, statOnly, ...range }: DiffWish,
): Promise<{ readonly kind: "read"; readonly diff: Diff } | WorkspaceFailure> {
  const listed = await listChanges(git, range);
  if (listed.kind === "failed") return listed;
  const all = listed.files;
  const wanted = path === "" ? all : all.filter((file) => file.path === path);
  const files = wanted.slice(0, maxFiles);
  const patches = statOnly || files.length === 0 ? undefined : await readPatches(git, range, { all, path });
  if (patches?.kind === "failed") return patches;
  const diff = create(DiffSchema, {
    baseCommit: range.from,
    stat: countChanges(all),
    files: patches === undefined ? files.map(toFileDiff) : withPatches(files, patches.byPath),
    omittedFiles: wanted.length - files.length,
  });
  return { kind: "read", diff };
}

/** The totals of changes. */
export function countChanges(files: readonly ChangedFile[]): Diffstat {
  return create(DiffstatSchema, {
    files: files.length,
    insertions: files.reduce((sum, { insertions }) => sum + insertions, 0),
    deletions: files.reduce((sum, { deletions }) => sum + deletions, 0),
  });
}

interface PatchWish {
  readonly all: readonly ChangedFile[];
  readonly path: string;
}

type Patches = { readonly kind: "read"; readonly byPath: ReadonlyMap<string, Buffer> } | WorkspaceFailure;

/** The whole patches of files by path, as far as what git writes is read. */
async function readPatches(git: GitContext, range: TreeRange, { all, path }: PatchWish): Promise<Patches> {
  const told = path === "" ? all : all.filter((file) => isAbout(file, all, path));
  const paths = path === "" ? [] : told.flatMap(pathsOf);
  const result = await diffTrees(git, range, { options: ["--patch"], paths, maxOutputBytes: maxReadBytes });
  if (result.kind === "failed") return result;
  const parts = splitPatch(result.output);
  // The last one may lack its end.
  const whole = result.isCut ? parts.slice(0, -1) : parts;
  return { kind: "read", byPath: assign(told, whole) };
}

/** The file itself, and the one that it begins as a copy of: git must see that one too, to tell of a copy. */
function isAbout(file: ChangedFile, all: readonly ChangedFile[], path: string): boolean {
  return file.path === path || all.some((other) => other.path === path && other.oldPath === file.path);
}

function pathsOf({ path, oldPath }: ChangedFile): readonly string[] {
  return oldPath === "" ? [path] : [oldPath, path];
}

/** Parts come in the order of the files. */
function assign(files: readonly ChangedFile[], parts: readonly Buffer[]): ReadonlyMap<string, Buffer> {
  const byPath = new Map<string, Buffer>();
  let next = 0;
  for (const { path, patchParts } of files) {
    const own = parts.slice(next, next + patchParts);
    next += patchParts;
    if (own.length === patchParts) byPath.set(path, Buffer.concat(own));
  }
  return byPath;
}

function withPatches(files: readonly ChangedFile[], byPath: ReadonlyMap<string, Buffer>): FileDiff[] {
  let leftBytes = maxPatchBytes;
  return files.map((file) => {
    if (file.binary) return toFileDiff(file);
    const { patch, truncated } = within(byPath.get(file.path), leftBytes);
    leftBytes -= patch.length;
    return create(FileDiffSchema, { ...diffFields(file), patch, truncated });
  });
}

function within(whole: Buffer | undefined, leftBytes: number) {
  const cut = whole && cutPatch(whole);
  return cut === undefined || cut.patch.length > leftBytes ? { patch: Buffer.alloc(0), truncated: true } : cut;
}

function toFileDiff(file: ChangedFile): FileDiff {
  return create(FileDiffSchema, diffFields(file));
}

function diffFields({ patchParts: _, ...fields }: ChangedFile): MessageInitShape<typeof FileDiffSchema> {
  return fields;
}

const maxFiles = 500;
const maxPatchBytes = 2 << 20;
/** Read of what git writes; of files behind that, there is no patch. */
const maxReadBytes = 16 << 20;
