import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { removeTree, removeTreeSync } from "./remove-tree.ts";

/** A directory with one in it whose path is longer than the system takes. */
function makeDeep(): string {
  const path = mkdtempSync(join(tmpdir(), "blazecraft-deep-"));
  const name = "x".repeat(200);
  execFileSync("sh", [
    "-c",
    `cd -P ${path}; for i in $(seq 30); do mkdir ${name}; cd -P ${name} || exit 1; done; touch file`,
  ]);
  return path;
}

test("what lies deeper than a path may be long is deleted, too", async () => {
  const [one, two] = [makeDeep(), makeDeep()];
  await removeTree(one);
  removeTreeSync(two);
  expect([one, two].filter(existsSync)).toEqual([]);
});

test("what is not there is no failure", async () => {
  await removeTree("/nowhere/at/all");
  removeTreeSync("/nowhere/at/all");
});
