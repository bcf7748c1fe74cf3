import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FileChange } from "#gen/job/v1/job_service_pb.js";
import { isolatedGit } from "../../../e2e/git/run-git.ts";
import { testGit } from "../../testing/workspace.ts";
import { readDiff } from "./diff.ts";
import { takeSnapshot } from "./snapshot.ts";

let workspace: string;
let base: string;

beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), "blazecraft-diff-"));
  git("init", "--quiet", "--initial-branch=main");
  write("keep.txt", "one\ntwo\nthree\nfour\nfive\nsix\n");
  write("move.txt", "1\n2\n3\n4\n5\n6\n7\n8\n");
  write("gone.txt", "gone\n");
  write("run.sh", "echo hi\n");
  write("kind", "a file\n");
  write("dot.bin", Buffer.from([0, 1, 2]));
  base = commit();
});

afterEach(() => rmSync(workspace, { recursive: true, force: true }));

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: workspace, env: isolatedGit, encoding: "utf8" }).trim();
}

function write(name: string, content: string | Buffer): void {
  writeFileSync(join(workspace, name), content);
}

function commit(): string {
  git("add", "--all");
  git("commit", "--quiet", "--message", "Work");
  return git("rev-parse", "HEAD");
}

async function diff({ path = "", statOnly = false } = {}) {
  const context = testGit(workspace);
  const taken = await takeSnapshot(context);
  if (taken.kind === "failed") return expect.fail(taken.problem);
  const result = await readDiff(context, { from: base, to: taken.snapshot.tree, path, statOnly });
  return result.kind === "failed" ? expect.fail(result.problem) : result.diff;
}

/** What happened to each file, and its patch as text. */
async function changes(wish: { path?: string } = {}) {
  const { files } = await diff(wish);
  return files.map(({ change, path, oldPath, patch, ...counts }) => ({
    what: `${FileChange[change]} ${oldPath === "" ? "" : `${oldPath} > `}${path}`,
    counts: `+${counts.insertions} -${counts.deletions}${counts.binary ? " binary" : ""}`,
    patch: new TextDecoder().decode(patch),
  }));
}

test("nothing changed is an empty diff", async () => {
  expect(await diff()).toMatchObject({ baseCommit: base, stat: { files: 0 }, files: [], omittedFiles: 0 });
});

describe("each kind of change is told", () => {
  test("files that are changed, added and deleted, committed or not", async () => {
    write("keep.txt", "one\n2\nthree\nfour\nfive\nsix\n");
    rmSync(join(workspace, "gone.txt"));
    commit();
    write("new.txt", "fresh\n");
    expect(await changes()).toEqual([
      {
        what: "DELETED gone.txt",
        counts: "+0 -1",
        patch: expect.stringMatching(/^diff --git a\/gone.txt b\/gone.txt\n.*\n-gone\n$/s),
      },
      { what: "MODIFIED keep.txt", counts: "+1 -1", patch: expect.stringMatching(/\n-two\n\+2\n three/) },
      { what: "ADDED new.txt", counts: "+1 -0", patch: expect.stringMatching(/new file mode 100644\n.*\n\+fresh\n$/s) },
    ]);
    expect((await diff()).stat).toMatchObject({ files: 3, insertions: 2, deletions: 2 });
  });

  test("renames and copies, with what changed besides", async () => {
    git("mv", "move.txt", "moved to.txt");
    write("moved to.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    write("copy.txt", "one\ntwo\nthree\nfour\nfive\nsix\n");
    write("keep.txt", "one\ntwo\nthree\nfour\nfive\nsix\nseven\n");
    expect((await changes()).map(({ what, counts }) => [what, counts])).toEqual([
      ["COPIED keep.txt > copy.txt", "+0 -0"],
      ["MODIFIED keep.txt", "+1 -0"],
      ["RENAMED move.txt > moved to.txt", "+1 -0"],
    ]);
  });

  test("binary files, which have no patch", async () => {
    write("dot.bin", Buffer.from([0, 9, 9]));
    git("mv", "run.sh", "run");
    write("other.bin", Buffer.from([0, 5]));
    expect((await changes()).map(({ what, counts, patch }) => [what, counts, patch === ""])).toEqual([
      ["MODIFIED dot.bin", "+0 -0 binary", true],
      ["ADDED other.bin", "+0 -0 binary", true],
      ["RENAMED run.sh > run", "+0 -0", false],
    ]);
  });

  test("modes and types", async () => {
    chmodSync(join(workspace, "run.sh"), 0o755);
    rmSync(join(workspace, "kind"));
    symlinkSync("/etc/passwd", join(workspace, "kind"));
    const [kind, run] = await changes();
    expect(kind).toMatchObject({ what: "TYPE_CHANGED kind", counts: "+1 -1" });
    expect(kind?.patch).toMatch(/deleted file mode 100644.*diff --git.*new file mode 120000.*\+\/etc\/passwd/s);
    expect(run).toMatchObject({ what: "TYPE_CHANGED run.sh", counts: "+0 -0" });
    expect(run?.patch).toBe("diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n");
  });

  test("names that look like something else", async () => {
    const names = ["-rf", ":(top)x", "a\nb", "diff --git a\tb", 'quo"te', "ünï"];
    for (const name of names) write(name, "diff --git a/x b/x\n");
    const found = await changes();
    expect(found.map(({ what }) => what)).toEqual(names.map((name) => `ADDED ${name}`));
    expect(found.every(({ patch }) => patch.endsWith("+diff --git a/x b/x\n"))).toBe(true);
    expect(await changes({ path: "a\nb" })).toEqual([found[2]]);
    expect(await changes({ path: ":(top)x" })).toEqual([found[1]]);
  });

  test("a repository within, and one without commits does not keep others from being told", async () => {
    for (const name of ["empty", "full"]) mkdirSync(join(workspace, name));
    execFileSync("git", ["init", "--quiet"], { cwd: join(workspace, "empty"), env: isolatedGit });
    execFileSync("git", ["init", "--quiet"], { cwd: join(workspace, "full"), env: isolatedGit });
    const commitNothing = ["commit", "--quiet", "--allow-empty", "--message", "x"];
    execFileSync("git", commitNothing, { cwd: join(workspace, "full"), env: isolatedGit });
    write("z.txt", "z\n");
    expect((await changes()).map(({ what }) => what)).toEqual(["ADDED full", "ADDED z.txt"]);
  });
});

test("what git ignores is not told", async () => {
  write(".gitignore", "*.log\n");
  write("a.log", "noise\n");
  expect((await changes()).map(({ what }) => what)).toEqual(["ADDED .gitignore"]);
});

test("one file can be asked for, with its copy and its former name", async () => {
  git("mv", "move.txt", "moved.txt");
  write("copy.txt", "one\ntwo\nthree\nfour\nfive\nsix\n");
  write("keep.txt", "one\ntwo\nthree\nfour\nfive\nsix\nseven\n");
  const all = await changes();
  for (const one of all) expect(await changes({ path: one.what.replace(/^.* /, "") })).toEqual([one]);
  expect(await diff({ path: "nowhere" })).toMatchObject({ files: [], stat: { files: 3 } });
});

test("counts alone have no patches", async () => {
  write("new.txt", "fresh\n");
  const { files } = await diff({ statOnly: true });
  expect(files).toMatchObject([{ path: "new.txt", insertions: 1, truncated: false }]);
  expect(files[0]?.patch).toHaveLength(0);
});

describe("limits", () => {
  const lines = (count: number, text: string) =>
    `${Array.from({ length: count }, (_, at) => `${at} ${text}`).join("\n")}\n`;

  test("a file's patch is cut before the hunk that is too much", async () => {
    write("long.txt", lines(20_000, "a"));
    base = commit();
    write("long.txt", lines(20_000, "a").replace(/^(\d+00) a$/gm, `$1 ${"b".repeat(5000)}`));
    const [file] = (await diff()).files;
    const patch = new TextDecoder().decode(file?.patch);
    expect(file?.truncated).toBe(true);
    expect(patch.length).toBeGreaterThan(250 * 1024);
    expect(patch.length).toBeLessThanOrEqual(256 * 1024);
    expect(patch.endsWith(" a\n")).toBe(true);
  });

  test("a patch of one hunk that is too much is left out", async () => {
    write("long.txt", lines(60_000, "a"));
    expect((await diff()).files).toMatchObject([{ insertions: 60_000, truncated: true, patch: Buffer.alloc(0) }]);
  });

  test("files past the size of a diff come without patches, files past 500 not at all", async () => {
    for (let at = 0; at < 12; at += 1) write(`0-${at}.txt`, lines(18_000, "some text"));
    for (let at = 0; at < 600; at += 1) write(`1-${at}.txt`, "x\n");
    const { files, omittedFiles, stat } = await diff();
    expect([files.length, omittedFiles, stat?.files, stat?.insertions]).toEqual([500, 112, 612, 12 * 18_000 + 600]);
    const total = files.reduce((sum, { patch }) => sum + patch.length, 0);
    expect(total).toBeLessThanOrEqual(2 << 20);
    expect(files.filter(({ truncated }) => truncated).every(({ patch }) => patch.length === 0)).toBe(true);
    expect(files.at(-1)?.patch.length).toBeGreaterThan(0);
  });
});

test("the job's own index and files stay as they are, and programs that its repository names do not run", async () => {
  write("keep.txt", "staged\n");
  git("add", "keep.txt");
  write("keep.txt", "not staged\n");
  git("config", "diff.evil.command", "touch diff-ran");
  git("config", "diff.evil.textconv", "touch textconv-ran");
  write(".git/info/attributes", "* diff=evil\n");
  const before = git("status", "--porcelain");
  expect((await changes()).map(({ what, counts }) => [what, counts])).toEqual([["MODIFIED keep.txt", "+1 -6"]]);
  expect(git("status", "--porcelain")).toBe(before);
});

test("what changed since the last look is seen, also when the index is damaged", async () => {
  write("a.txt", "1\n");
  expect((await changes()).map(({ what }) => what)).toEqual(["ADDED a.txt"]);
  write("a.txt", "2\n");
  write(".git/blazecraft-index", "rubbish");
  const [file] = await changes();
  expect(file?.patch).toMatch(/\n\+2\n$/);
});
