import { expect, test } from "vitest";
import { patchLines } from "./patch-lines.ts";

const lines = (patch: string) => patchLines(new TextEncoder().encode(patch)).map(({ kind, text }) => `${kind} ${text}`);

test("lines are told by their marks, and only behind the head", () => {
  const patch =
    "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@ f\n-old\n+new\n--- not a head\n same\n\\ No newline\n";
  expect(lines(patch)).toEqual([
    ...[
      "head diff --git a/x b/x",
      "head --- a/x",
      "head +++ b/x",
      "hunk @@ -1,2 +1,2 @@ f",
      "removed -old",
      "added +new",
    ],
    ...["removed --- not a head", "same  same", "same \\ No newline"],
  ]);
});

test("the second part of a change of type has a head of its own", () => {
  const part = "diff --git a/x b/x\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n";
  expect(lines(part + part).map((line) => line.split(" ")[0])).toEqual(
    [1, 2].flatMap(() => ["head", "head", "head", "hunk", "removed"]),
  );
});

test("nothing has no lines, and what is no UTF-8 is still shown", () => {
  expect(patchLines(new Uint8Array())).toEqual([]);
  expect(patchLines(new Uint8Array([0x2b, 0xff]))[0]?.text).toBe("+\uFFFD");
});
