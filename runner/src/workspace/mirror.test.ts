import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type GitServer, startGitServer } from "../../../e2e/git/git-server.ts";
import { makeRepository, type Repository } from "../../../e2e/git/make-repository.ts";
import { runGit } from "../../../e2e/git/run-git.ts";
import { noSandbox } from "../sandbox/none.ts";
import { CredentialStore } from "./credentials.ts";
import { lockFile } from "./lock-file.ts";
import { type MirrorRequest, openMirror } from "./mirror.ts";
import { mirrorPlace, repositoriesUsedBy } from "./mirror-directory.ts";
import { sweepMirrors } from "./mirror-upkeep.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const whole = { depth: 0, withoutOldContents: false };
const home = process.cwd();
const { signal } = new AbortController();
let room: string;
let repository: Repository;
let server: GitServer;

beforeEach(async () => {
  room = mkdtempSync(join(tmpdir(), "blazecraft-mirror-"));
  repository = await makeRepository(join(room, "host"), "acme/api", [
    { message: "Begin", files: { "a.txt": "one\n", "b.txt": "b\n" } },
    { message: "Say two", files: { "a.txt": "two\n" } },
    { message: "Say three", files: { "a.txt": "three\n" } },
  ]);
  server = await startGitServer({ folder: join(room, "host") });
  mkdirSync(join(room, "data"));
  process.chdir(join(room, "data"));
});

afterEach(async () => {
  process.chdir(home);
  await server.close();
  rmSync(room, { recursive: true, force: true });
});

function open(more: Partial<MirrorRequest> = {}) {
  const git = {
    jobId: "job_0000000000000001",
    sandbox: noSandbox,
    directory: "/",
    home: "/nonexistent",
    writable: [],
    readable: [],
    network: "proxied",
    path: "/usr/bin:/bin",
    signal,
  } as const;
  const hosts = { github: { hosts: [] }, gitlab: { hosts: [] } };
  const credentials = new CredentialStore({ hosts, fetch, now: Date.now, onSecret: () => undefined });
  const url = `${server.url}/acme/api`;
  const usual = { url, ref: "", history: whole, key: "job_a", git, credentials, maxBytes: 1 << 30, isSuspect: false };
  return openMirror({ ...usual, ...more });
}

async function mustOpen(more: Partial<MirrorRequest> = {}) {
  const opened = await open(more);
  if (opened.kind === "failed") throw new Error(`${opened.reason}\n${opened.detail}`);
  return opened;
}

/** How often the host was asked what it has. */
function visits(): number {
  return server.requests.filter(({ target }) => target.includes("info/refs")).length;
}

async function commit(message: string): Promise<string> {
  const tree = await runGit(repository.path, ["rev-parse", "main^{tree}"]);
  const id = await runGit(repository.path, ["commit-tree", "-p", "main", "-m", message, tree]);
  await runGit(repository.path, ["update-ref", "refs/heads/main", id]);
  return id;
}

test("what the host has since is there the next time, and what it has no more is not", async () => {
  const first = await mustOpen();
  expect(first.target).toMatchObject({ ref: "main", kind: "branch", id: repository.commits[2] });
  await runGit(repository.path, ["branch", "-m", "main", "trunk"]);
  await runGit(repository.path, ["symbolic-ref", "HEAD", "refs/heads/trunk"]);
  const second = await mustOpen();
  expect(second.target).toMatchObject({ ref: "trunk", id: repository.commits[2] });
  expect(await open({ ref: "main" })).toMatchObject({ kind: "failed", why: "no-ref" });
  expect(second.repository).toBe(first.repository);
});

test("a fetch that began after one asked serves it, too", async () => {
  await mustOpen();
  const id = await commit("Say four");
  const before = visits();
  const lock = await lockFile(mirrorPlace(`${server.url}/acme/api`, whole).lock, signal);
  const opened = [mustOpen(), mustOpen({ key: "job_b" }), mustOpen({ key: "job_c", ref: "main" })];
  await lock.close();
  for (const { target } of await Promise.all(opened)) expect(target.id).toBe(id);
  expect(visits()).toBe(before + 1);
});

describe("refs", () => {
  test.each([
    ["a tag", "v1", 0],
    ["a branch by its whole name", "refs/heads/main", 2],
    ["a tag by its whole name", "refs/tags/v1", 0],
    ["a pull request", "refs/pull/7/head", 1],
    ["a merge request", "refs/merge-requests/12/head", 1],
  ])("%s", async (_, ref, at) => {
    await mustOpen();
    await runGit(repository.path, ["tag", "v1", repository.commits[0] ?? ""]);
    for (const name of ["refs/pull/7/head", "refs/merge-requests/12/head"])
      await runGit(repository.path, ["update-ref", name, repository.commits[1] ?? ""]);
    expect((await mustOpen({ ref })).target.id).toBe(repository.commits[at]);
  });

  test("a commit by its beginning, and one that no branch leads to by its whole id", async () => {
    const { target } = await mustOpen({ ref: (repository.commits[1] ?? "").slice(0, 10) });
    expect(target).toEqual({ ref: "", kind: "other", id: repository.commits[1] });
    const id = await commit("Hidden");
    await runGit(repository.path, ["update-ref", "refs/heads/main", `${id}^`]);
    await runGit(repository.path, ["config", "uploadpack.allowAnySHA1InWant", "true"]);
    expect((await mustOpen({ ref: id })).target.id).toBe(id);
    expect(await open({ ref: id.slice(0, 9).replaceAll(/./g, "0") })).toMatchObject({ why: "no-ref" });
  });
});

describe("less than the whole history", () => {
  test.each(["", "main", "v1", "refs/pull/7/head", "commit"])("so many commits from %j", async (asked) => {
    await runGit(repository.path, ["tag", "-a", "-m", "One", "v1"]);
    await runGit(repository.path, ["update-ref", "refs/pull/7/head", "main"]);
    const ref = asked === "commit" ? (repository.commits[2] ?? "") : asked;
    const { repository: path, target } = await mustOpen({ ref, history: { depth: 2, withoutOldContents: false } });
    expect(await runGit(path, ["rev-list", "--count", target.id])).toBe("2");
    const id = await commit("Say four");
    const next = await mustOpen({ history: { depth: 2, withoutOldContents: false } });
    expect(next.target).toMatchObject({ ref: "main", id });
    expect(await runGit(path, ["rev-list", "--count", id])).not.toBe("4");
  });

  test("the contents of one commit's files alone", async () => {
    await runGit(repository.path, ["config", "uploadpack.allowFilter", "true"]);
    await runGit(repository.path, ["config", "uploadpack.allowAnySHA1InWant", "true"]);
    const { repository: path, target } = await mustOpen({ history: { depth: 0, withoutOldContents: true } });
    const listed = await runGit(path, ["rev-list", "--objects", "--missing=print", "--no-object-names", target.id]);
    const lines = listed.split("\n");
    // Three commits, three trees, four contents; of which "one" and "two" are not in the newest.
    expect([lines.length, lines.filter((line) => line.startsWith("?")).length]).toEqual([10, 2]);
  });
});

describe("a mirror in which something is wrong", () => {
  test("half a clone of a killed process is begun anew", async () => {
    const { root } = mirrorPlace(`${server.url}/acme/api`, whole);
    mkdirSync(`${root}/draft/objects`, { recursive: true });
    writeFileSync(`${root}/draft/HEAD`, "ref: ");
    await expect(mustOpen()).resolves.toMatchObject({ repository: `${root}/1.git` });
  });

  test("what a killed fetch left does not stand in the way", async () => {
    const { repository: path } = await mustOpen();
    writeFileSync(`${path}/refs/heads/main.lock`, "");
    writeFileSync(`${path}/packed-refs.lock`, "");
    const id = await commit("Say four");
    expect(await mustOpen()).toMatchObject({ repository: path, target: { id } });
  });

  test("a damaged one is made anew, and stays while a workspace reads from it", async () => {
    const first = await mustOpen();
    const packs = `${first.repository}/objects/pack`;
    const pack = readdirSync(packs).find((name) => name.endsWith(".pack")) ?? "";
    chmodSync(`${packs}/${pack}`, 0o600);
    truncateSync(`${packs}/${pack}`, 100);
    await commit("Say four");
    const second = await mustOpen({ key: "job_b", isSuspect: true });
    expect([first, second].map(({ repository: path }) => path.slice(-5))).toEqual(["1.git", "2.git"]);
    expect(repositoriesUsedBy("job_a")).toEqual([first.repository]);
    await sweep({ live: ["job_a", "job_b"] });
    expect(existsSync(first.repository)).toBe(true);
    await sweep({ live: ["job_b"] });
    expect([existsSync(first.repository), existsSync(second.repository)]).toEqual([false, true]);
  });
});

test("a host that is down leaves what is here only to a job that names the commit", async () => {
  await mustOpen();
  await server.close();
  const [, ref = ""] = repository.commits;
  expect(await open({ ref: "main" })).toMatchObject({ kind: "failed", why: "unreachable" });
  const opened = await mustOpen({ ref });
  expect(opened.target.id).toBe(ref);
  expect(opened.notice).toMatch(/^127\.0\.0\.1:\d+ cannot be reached: .*; going on with the commit as of 20/);
});

test("a repository that is larger than it may be is refused, and leaves nothing", async () => {
  const { root } = mirrorPlace(`${server.url}/acme/api`, whole);
  const reason = expect.stringContaining("MIRROR_CACHE_BYTES");
  expect(await open({ maxBytes: 64 })).toMatchObject({ kind: "failed", why: "too-large", reason });
  expect(readdirSync(root)).toEqual(["uses"]);
});

describe("upkeep", () => {
  test("a mirror that is not used goes when it is old", async () => {
    const { place } = await mustOpen();
    const dayAgo = new Date(Date.now() - 86_400_000);
    utimesSync(place.root, dayAgo, dayAgo);
    await sweep({ live: ["job_a"], keepMs: 1000 });
    expect(existsSync(place.root)).toBe(true);
    await sweep({ live: [], keepMs: 2 * 86_400_000 });
    expect(existsSync(place.root)).toBe(true);
    utimesSync(place.root, dayAgo, dayAgo);
    await sweep({ live: [], keepMs: 1000 });
    expect(existsSync(place.root)).toBe(false);
  });

  test("the one that was not used for longest goes when there is too much", async () => {
    await makeRepository(join(room, "host"), "acme/web", [{ message: "Begin", files: { a: "a" } }]);
    const [older, newer] = [await mustOpen(), await mustOpen({ url: `${server.url}/acme/web` })];
    const minuteAgo = new Date(Date.now() - 60_000);
    utimesSync(older.place.root, minuteAgo, minuteAgo);
    const bytes = readdirSync(`${newer.repository}/objects/pack`)
      .map((name) => readFileSync(`${newer.repository}/objects/pack/${name}`).length)
      .reduce((sum, length) => sum + length, 0);
    await sweep({ live: [], maxBytes: bytes });
    expect([existsSync(older.place.root), existsSync(newer.place.root)]).toEqual([false, true]);
  });

  test("a mirror that somebody is about to use stays", async () => {
    const { place } = await mustOpen();
    const lock = await lockFile(place.lock, signal);
    await sweep({ live: [], keepMs: 0 });
    expect(existsSync(place.root)).toBe(true);
    await lock.close();
  });
});

function sweep({ live, keepMs = 1e12, maxBytes = 1e12 }: { live: string[]; keepMs?: number; maxBytes?: number }) {
  mkdirSync("trash", { recursive: true });
  return sweepMirrors({
    mirrors: { maxBytes, keepMs },
    isLive: (key) => live.includes(key),
    nowMs: Date.now(),
    trash: join(process.cwd(), "trash"),
  });
}
