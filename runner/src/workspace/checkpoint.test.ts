import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isolatedGit } from "../../../e2e/git/run-git.ts";
import { testGit } from "../../testing/workspace.ts";
import { makeCheckpoint, restoreCheckpoint } from "./checkpoint.ts";
import { takeSnapshot } from "./snapshot.ts";

let workspace: string;
const author = { name: "Runner", email: "runner@example.com" };

beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), "blazecraft-checkpoint-"));
  git("init", "--quiet", "--initial-branch=main");
  write(".gitignore", "*.log\n");
  write("a.txt", "1\n");
  commit("Begin");
});

afterEach(() => rmSync(workspace, { recursive: true, force: true }));

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: workspace, env: isolatedGit, encoding: "utf8", stdio: "pipe" }).trim();
}

function write(name: string, content: string): void {
  writeFileSync(join(workspace, name), content);
}

function read(name: string): string | undefined {
  return existsSync(join(workspace, name)) ? readFileSync(join(workspace, name), "utf8") : undefined;
}

function commit(message: string): void {
  git("add", "--all");
  git("commit", "--quiet", "--message", message);
}

async function checkpoint(turn: number) {
  const context = testGit(workspace);
  const taken = await takeSnapshot(context);
  if (taken.kind === "failed") return expect.fail(taken.problem);
  const made = await makeCheckpoint(context, taken.snapshot, { turn, author });
  return made.kind === "failed" ? expect.fail(made.problem) : made.checkpoint;
}

test("a checkpoint is a commit on a private ref, behind what is checked out", async () => {
  write("b.txt", "new\n");
  const { commit: id, head, branch } = await checkpoint(3);
  expect(git("rev-parse", "refs/blazecraft/checkpoints/3", "refs/blazecraft/checkpoints/3^")).toBe(`${id}\n${head}`);
  expect([head, branch]).toEqual([git("rev-parse", "main"), "main"]);
  expect(git("show", "--no-patch", "--format=%an <%ae> %s", id)).toBe(
    "Runner <runner@example.com> Checkpoint after turn 3",
  );
  expect(git("show", `${id}:b.txt`)).toBe("new");
  expect(git("status", "--porcelain")).toBe("?? b.txt");
});

test("going back undoes commits, branches and files, and leaves uncommitted what was so", async () => {
  write("a.txt", "2\n");
  write("b.txt", "new\n");
  write("kept.log", "ignored\n");
  const back = await checkpoint(1);
  commit("More");
  git("checkout", "--quiet", "-b", "other");
  write("c.txt", "later\n");
  write("a.txt", "3\n");
  expect(await restoreCheckpoint(testGit(workspace), back)).toEqual({ kind: "restored" });
  expect([read("a.txt"), read("b.txt"), read("c.txt"), read("kept.log")]).toEqual([
    "2\n",
    "new\n",
    undefined,
    "ignored\n",
  ]);
  expect(git("symbolic-ref", "--short", "HEAD")).toBe("main");
  expect(git("rev-parse", "HEAD")).toBe(back.head);
  expect(git("status", "--porcelain").split("\n")).toEqual(["M a.txt", "?? b.txt"]);
});

test("going back out of a conflict works, with and without a branch", async () => {
  git("checkout", "--quiet", "--detach");
  const back = await checkpoint(1);
  git("checkout", "--quiet", "-b", "one");
  write("a.txt", "one\n");
  commit("One");
  git("checkout", "--quiet", "-b", "two", "main");
  write("a.txt", "two\n");
  commit("Two");
  expect(() => git("merge", "one")).toThrow();
  expect(await restoreCheckpoint(testGit(workspace), back)).toEqual({ kind: "restored" });
  expect(git("status", "--porcelain")).toBe("");
  expect(() => git("symbolic-ref", "HEAD")).toThrow();
  expect([git("rev-parse", "HEAD"), read("a.txt")]).toEqual([back.head, "1\n"]);
  expect(git("log", "-1", "--format=%s", "two")).toBe("Two");
});

test("what is gone cannot be gone back to, and nothing is changed", async () => {
  const back = await checkpoint(1);
  write("a.txt", "2\n");
  const gone = { ...back, commit: "0".repeat(40) };
  expect(await restoreCheckpoint(testGit(workspace), gone)).toMatchObject({ kind: "failed" });
  expect(read("a.txt")).toBe("2\n");
});
