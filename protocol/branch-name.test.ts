import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { isBranchName } from "./branch-name.ts";

const names = [
  ...[
    "main",
    "feature/x",
    "a-b_c.d",
    "+x",
    "x@y",
    "#1",
    "a/b/c",
    "release/1.0",
    "heads",
    "refs/heads/x",
    "a{b}",
    "a,b;c",
  ],
  ...[
    "",
    "-x",
    "a..b",
    "a b",
    "a~b",
    "a^b",
    "a:b",
    "a?b",
    "a*b",
    "a[b",
    "a\\\\b",
    "/a",
    "a/",
    "a//b",
    "a.",
    ".a",
    "a/.b",
  ],
  ...["a.lock", "a.lock/b", "@", "a@{b", "HEAD", "a\tb"],
];

test.each(names)("%j names a branch if git says so", (name) => {
  expect(isBranchName(name)).toBe(takesGit(name));
});

test("what is no printable ASCII, or too long, is refused", () => {
  expect(["ü", "x".repeat(201)].map(isBranchName)).toEqual([false, false]);
});

function takesGit(name: string): boolean {
  try {
    execFileSync("git", ["check-ref-format", "--branch", name], { stdio: "ignore", cwd: "/" });
    // A way to write HEAD.
    return name !== "HEAD" && name !== "@";
  } catch {
    // It says no by its exit code.
    return false;
  }
}
