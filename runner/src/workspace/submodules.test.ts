import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { type GitServer, startGitServer } from "../../../e2e/git/git-server.ts";
import { type Content, makeRepository } from "../../../e2e/git/make-repository.ts";
import { endOf, followJob, logText, startRequest } from "../../testing/jobs.ts";
import { makeDataDirectory, startRunner, type TestRunner } from "../../testing/start-runner.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const data = makeDataDirectory();
const room = mkdtempSync(join(tmpdir(), "blazecraft-submodules-"));
let server: GitServer;
let runner: TestRunner;
/** The newest commit of each repository that was made. */
const commits = new Map<string, string>();

beforeAll(async () => {
  server = await startGitServer({ folder: room });
  await make("deep", { "deep.txt": "deep\n" });
  await make("lib", { "lib.txt": "lib\n", ".gitmodules": module("deep", "../deep.git"), deep: link("deep") });
  await make("api", { "a.txt": "a\n", ".gitmodules": module("libs/lib", "../lib.git"), "libs/lib": link("lib") });
  const allowed = ["lib", "deep", "api", "apart", "bad"].map((name) => `${new URL(server.url).host}/acme/${name}`);
  runner = await startRunner(data.path, { ALLOW_INSECURE_GIT: "true", ALLOWED_REPOSITORIES: allowed.join() });
});

afterAll(async () => {
  await runner.stop("SIGINT");
  await server.close();
  data.remove();
  rmSync(room, { recursive: true });
});

async function make(name: string, files: Readonly<Record<string, Content>>): Promise<void> {
  const { commits: made } = await makeRepository(room, `acme/${name}`, [{ message: "Begin", files }]);
  commits.set(name, made.at(-1) ?? "");
}

function module(path: string, url: string, more = ""): string {
  return `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n${more}`;
}

function link(name: string): Content {
  return { commit: commits.get(name) ?? "" };
}

async function run(repository: string, command: string, submodules = true) {
  const request = startRequest(command, { repoRef: `${server.url}/acme/${repository}`, checkout: { submodules } });
  await runner.client.startJob(request);
  const events = await followJob(runner.client, request);
  await runner.client.releaseJob({ jobId: request.jobId, attempt: 1 });
  return { outcome: endOf(events).outcome, log: logText(events) };
}

const look = "cat libs/lib/lib.txt libs/lib/deep/deep.txt; git status --porcelain; git submodule status --recursive";

test("submodules are there when they are asked for, those of submodules too, also in files taken over", async () => {
  const [lib, deep] = [commits.get("lib"), commits.get("deep")];
  const places = [` ${lib} libs/lib (remotes/origin/main)`, ` ${deep} libs/lib/deep (remotes/origin/main)`];
  for (const _ of ["new", "taken over"]) expect((await run("api", look)).log).toBe(`lib\ndeep\n${places.join("\n")}\n`);
});

test("they are not there when nobody asked, nor what an earlier job left in their place", async () => {
  await run("api", "touch libs/lib/left; git -C libs/lib config core.fsmonitor 'touch ran'");
  expect((await run("api", "ls -A libs/lib; git status --porcelain", false)).log).toBe("");
});

test.each([
  ["a repository that is not allowed", () => `${server.url}/other/lib.git`, /does not allow http:.*\/other\/lib/],
  [
    "a program",
    () => "ext::sh -c touch% /tmp/ran",
    /its URL is "ext::sh -c touch% \/tmp\/ran", which is not an https URL/,
  ],
  ["a path of the machine", () => "/etc", /its URL is "\/etc", which is not an https URL/],
  ["a file", () => "file:///etc", /its URL is "file:\/\/\/etc": repo_ref has the scheme "file"/],
  ["an address", () => "https://169.254.169.254/o/n", /not a public host name/],
  ["ssh", () => "git@github.com:acme/lib.git", /which is not an https URL/],
  ["what is not there", () => "../gone.git", /does not allow/],
  ["itself, at a commit that it has not", () => "../bad.git", /it has no branch, tag or commit "1111/],
])("one from %s ends the job with a sentence", async (_, url, message) => {
  rmSync(join(room, "acme/bad.git"), { recursive: true, force: true });
  await make("bad", { ".gitmodules": module("sub", url()), sub: { commit: "1".repeat(40) } });
  const { outcome } = await run("bad", "true");
  expect(outcome?.cause).toBe(EndCause.CLONE_FAILED);
  expect(outcome?.message).toMatch(/submodule "sub": /);
  expect(outcome?.message).toMatch(message);
});

test.each([
  ["an option for a URL", module("sub", "--upload-pack=touch /tmp/ran"), /disallowed submodule url/],
  [
    "a program to update it with",
    module("sub", "../lib.git", "\tupdate = !touch /tmp/ran\n"),
    /disallowed submodule update/,
  ],
  [
    "a name that leads elsewhere",
    '[submodule "../../x"]\n\tpath = sub\n\turl = ../lib.git\n',
    /disallowed submodule name/,
  ],
])("a repository whose submodule has %s is not taken at all", async (_, modules, message) => {
  rmSync(join(room, "acme/bad.git"), { recursive: true, force: true });
  await make("bad", { ".gitmodules": modules, sub: link("lib") });
  const { outcome } = await run("bad", "true", false);
  expect(outcome).toMatchObject({ cause: EndCause.CLONE_FAILED, message: expect.stringMatching(message) });
});
