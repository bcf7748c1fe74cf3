/** One line of a patch. */
export interface PatchLine {
  readonly kind: "head" | "hunk" | "added" | "removed" | "same";
  readonly text: string;
}

/** The lines of a file's patch, or of two when its type changed. What is no UTF-8 shows as such. */
export function patchLines(patch: Uint8Array): readonly PatchLine[] {
  const lines = new TextDecoder().decode(patch).split("\n");
  if (lines.at(-1) === "") lines.pop();
  let isHead = true;
  return lines.map((text) => {
    if (text.startsWith("diff --git ")) isHead = true;
    else if (text.startsWith("@@ ")) isHead = false;
    return { kind: isHead ? "head" : (kinds[text.charAt(0)] ?? "same"), text };
  });
}

const kinds: Readonly<Record<string, PatchLine["kind"]>> = { "@": "hunk", "+": "added", "-": "removed" };
