import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { type GitServer, startGitServer } from "./git/git-server.ts";
import { type Content, makeRepository } from "./git/make-repository.ts";
import { runGit } from "./git/run-git.ts";
import { createTask, logText, readJob, type SpecInit, watchToEnd } from "./system/jobs.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

let folder: string;
/** Made by whatever a repository has run. */
let canary: string;
let git: GitServer;
let system: TestSystem;
let made = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hostile-"));
  await mkdir(join(folder, "canary"), { mode: 0o777 });
  canary = join(folder, "canary", "ran");
  git = await startGitServer({ folder });
  system = await startSystem({ runnerEnv: { ALLOW_INSECURE_GIT: "true" } });
});
afterAll(async () => {
  await system.stop();
  await git.close();
  await rm(folder, { recursive: true });
});

/** A repository of its own with these files; its name, and its folder. */
async function makeHostile(files: Readonly<Record<string, Content>>) {
  made += 1;
  const name = `acme/hostile-${made}`;
  const { path } = await makeRepository(folder, name, [{ message: "Begin", files: { "a.txt": "a\n", ...files } }]);
  return { name, path };
}

/** One whose newest commit has this tree, entries in the language of `git mktree`, in which BLOB and TREE are there. */
async function makeTree(entries: readonly string[]) {
  const { name, path } = await makeHostile({ "dir/config": `[core]\n\tfsmonitor = touch ${canary}\n` });
  const ids = {
    BLOB: await runGit(path, ["rev-parse", "main:a.txt"]),
    TREE: await runGit(path, ["rev-parse", "main:dir"]),
  };
  const input = entries.map((entry) => entry.replace("BLOB", ids.BLOB).replace("TREE", ids.TREE)).join("\n");
  await commitTree(path, await runGit(path, ["mktree"], `${input}\n`));
  return name;
}

async function commitTree(path: string, tree: string): Promise<void> {
  const id = await runGit(path, ["commit-tree", "-m", "Hostile", tree]);
  await runGit(path, ["update-ref", "refs/heads/main", id]);
}

async function run(name: string, command: string, spec: SpecInit = {}) {
  const { id } = await createTask(system, command, { repoRef: `${git.url}/${name}`, ...spec });
  const log = logText(await watchToEnd(system, id));
  const { status } = await readJob(system, id);
  const outcome = status?.detail.case === "outcome" ? status.detail.value : undefined;
  await system.jobs.deleteJob({ id });
  expect(existsSync(canary)).toBe(false);
  return { log, outcome };
}

describe.each([
  [".git", "hasDotgit"],
  [".GIT", "hasDotgit"],
  [".Git", "hasDotgit"],
  ["git~1", "hasDotgit"],
  [".g\u200cit", "hasDotgit"],
  ["..", "hasDotdot"],
  [".", "hasDot"],
])("a tree with an entry %j", (entry, problem) => {
  test("is not taken", async () => {
    const { outcome } = await run(await makeTree([`040000 tree TREE\t${entry}`]), "true");
    expect(outcome?.cause).toBe(EndCause.CLONE_FAILED);
    expect(outcome?.message).toContain(problem);
  });
});

test.each([
  ["a .gitmodules that is a link", ["120000 blob BLOB\t.gitmodules"], /gitmodulesSymlink/],
  ["two entries of one name", ["120000 blob BLOB\tx", "040000 tree TREE\tx"], /duplicateEntries|not properly sorted/i],
])("a tree with %s is not taken", async (_, entries, problem) => {
  const { outcome } = await run(await makeTree(entries), "true");
  expect(outcome?.cause).toBe(EndCause.CLONE_FAILED);
  expect(outcome?.message).toMatch(problem);
});

test("names that look like options or commands are files", async () => {
  const names = ["--upload-pack=touch", "-rf", "$(touch x)", "`id`", "a\tb", "x".repeat(255), "ü", "*"];
  const { path, name } = await makeHostile({});
  const blob = await runGit(path, ["rev-parse", "main:a.txt"]);
  const input = names.map((file) => `100644 blob ${blob}\t${file}\0`).join("");
  await commitTree(path, await runGit(path, ["mktree", "-z"], input));
  expect((await run(name, "find . -type f ! -path './.git/*' | wc -l; git status --porcelain")).log).toBe("8\n");
});

test.each(["--upload-pack=id", 'quo"ted];#', "HEAD", "refs/heads/main"])(
  "a default branch %j is a branch",
  async (branch) => {
    const { path, name } = await makeHostile({});
    await runGit(path, ["update-ref", `refs/heads/${branch}`, "main"]);
    await runGit(path, ["symbolic-ref", "HEAD", `refs/heads/${branch}`]);
    await runGit(path, ["update-ref", "-d", "refs/heads/main"]);
    const { log } = await run(
      name,
      "cat a.txt .git/HEAD; git config branch.$(git symbolic-ref --short HEAD).remote || true",
    );
    expect(log).toContain(`a\nref: refs/heads/${branch}\n`);
  },
);

test("a repository within it, its attributes and its hooks run nothing", async () => {
  const program = `touch ${canary}`;
  const { name } = await makeHostile({
    "vendor/bare/HEAD": "ref: refs/heads/main\n",
    "vendor/bare/config": `[core]\n\trepositoryformatversion = 0\n\tfsmonitor = ${program}\n\tworktree = ..\n\tsshCommand = ${program}\n`,
    "vendor/bare/objects/x": "",
    "vendor/bare/refs/x": "",
    "vendor/bare/hooks/post-checkout": `#!/bin/sh\n${program}\n`,
    "hooks/post-checkout": `#!/bin/sh\n${program}\n`,
    ".gitattributes": "* filter=evil diff=evil merge=evil\n",
    ".gitconfig": `[core]\n\tfsmonitor = ${program}\n[filter "evil"]\n\tsmudge = ${program}\n\tprocess = ${program}\n`,
    ".mailmap": "x",
  });
  // Twice: the second job takes over the files of the first.
  for (const _ of [1, 2]) expect((await run(name, "cat a.txt; git status --porcelain; git diff HEAD")).log).toBe("a\n");
});

test("links are made as links, and not followed when the next job's files are laid", async () => {
  const outside = join(folder, "outside");
  await mkdir(outside);
  await writeFile(join(outside, "kept.txt"), "kept\n");
  const { path, name } = await makeHostile({
    root: { linkTo: "/" },
    out: { linkTo: outside },
    up: { linkTo: "../../.." },
  });
  expect((await run(name, "readlink root out up; git status --porcelain")).log).toBe(`/\n${outside}\n../../..\n`);
  // The same names are directories now.
  const tree = await runGit(
    path,
    ["mktree"],
    `100644 blob ${await runGit(path, ["rev-parse", "main:a.txt"])}\tkept.txt\n`,
  );
  await commitTree(
    path,
    await runGit(path, ["mktree"], ["out", "root", "up"].map((at) => `040000 tree ${tree}\t${at}`).join("\n")),
  );
  expect((await run(name, "cat out/kept.txt root/kept.txt up/kept.txt; git status --porcelain")).log).toBe("a\na\na\n");
  expect(await runGit(folder, ["hash-object", join(outside, "kept.txt")])).toBe(
    await runGit(folder, ["hash-object", "--stdin"], "kept\n"),
  );
});

describe("bombs", () => {
  test("a path that is too long for this system ends the job with a sentence", async () => {
    const { path, name } = await makeHostile({});
    await commitTree(path, await nest(path, { depth: 20, names: ["x".repeat(255)] }));
    const { outcome } = await run(name, "true");
    expect(outcome?.cause).toBe(EndCause.CLONE_FAILED);
    expect(outcome?.message).toMatch(/cannot create directory/);
  });

  test("more files than any disk has room for are made until the job's time is over", async () => {
    const { path, name } = await makeHostile({});
    await commitTree(path, await nest(path, { depth: 9, names: [..."abcdefghijkl"] }));
    const { outcome } = await run(name, "true", { limits: { wall: durationFromMs(2000) } });
    expect(outcome?.cause).toBe(EndCause.WALL_TIMEOUT);
  });

  test("a file of a thousand times its pack is a file", async () => {
    const { name } = await makeHostile({ zeros: "\0".repeat(8 << 20) });
    expect((await run(name, "stat -c %s zeros")).log).toBe(`${8 << 20}\n`);
  });
});

/** A tree of trees of trees, with these names in each. */
async function nest(path: string, { depth, names }: { depth: number; names: readonly string[] }): Promise<string> {
  const blob = await runGit(path, ["rev-parse", "main:a.txt"]);
  let inner = await runGit(path, ["mktree"], `100644 blob ${blob}\tfile\n`);
  for (let level = 0; level < depth; level += 1) {
    const entries = names.map((name) => `040000 tree ${inner}\t${name}\n`);
    inner = await runGit(path, ["mktree"], entries.join(""));
  }
  return inner;
}
