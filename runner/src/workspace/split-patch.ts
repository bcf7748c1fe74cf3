/** Most of one file's patch, in bytes. */
export const maxFilePatchBytes = 256 * 1024;

/** The parts of a patch, one a file; a change of type has two. What git quotes keeps every path on the first line. */
export function splitPatch(patch: Buffer): readonly Buffer[] {
  const starts: number[] = [];
  for (let at = patch.indexOf(partStart); at >= 0; at = patch.indexOf(partStart, at + 1)) {
    if (at === 0 || patch[at - 1] === newline) starts.push(at);
  }
  return starts.map((start, index) => patch.subarray(start, starts[index + 1] ?? patch.length));
}

/** A file's patch, at most as large as allowed: cut before the hunk that would make it larger. */
export function cutPatch(patch: Buffer): { readonly patch: Buffer; readonly truncated: boolean } {
  if (patch.length <= maxFilePatchBytes) return { patch, truncated: false };
  // Of hunks, only the first line begins with this: all others have a mark in front.
  const end = patch.lastIndexOf(hunkStart, maxFilePatchBytes - 1) + 1;
  const isFirstHunk = patch.indexOf(hunkStart) + 1 === end;
  return { patch: isFirstHunk ? patch.subarray(0, 0) : patch.subarray(0, end), truncated: true };
}

const newline = 0x0a;
const partStart = "diff --git ";
const hunkStart = "\n@@ ";
