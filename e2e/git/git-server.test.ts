import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type GitServer, startGitServer } from "./git-server.ts";
import { makeRepository, type Repository } from "./make-repository.ts";
import { runGit } from "./run-git.ts";

const history = [
  { message: "Begin", files: { "README.md": "# Api\n", "src/main.sh": "echo one\n" } },
  { message: "Say two", files: { "src/main.sh": "echo two — zwei\n", "README.md": null } },
];

let room: string;
let repository: Repository;
let server: GitServer | undefined;

beforeEach(async () => {
  room = await mkdtemp(join(tmpdir(), "git-server-"));
  repository = await makeRepository(join(room, "repositories"), "acme/api", history);
});

afterEach(async () => {
  await server?.close();
  await rm(room, { recursive: true });
});

async function serve(tokens?: readonly string[]): Promise<GitServer> {
  server = await startGitServer({ folder: join(room, "repositories"), ...(tokens && { tokens }) });
  return server;
}

/** As a credential helper would: the token is in no URL. */
function withToken(token: string): string[] {
  const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
  return ["-c", `http.extraHeader=Authorization: Basic ${basic}`];
}

async function commitAndPush(clone: string, options: readonly string[]): Promise<string> {
  await writeFile(join(clone, "new.txt"), "new\n");
  await runGit(clone, ["add", "new.txt"]);
  await runGit(clone, ["commit", "--quiet", "--message", "Add new"]);
  await runGit(clone, [...options, "push", "--quiet", "origin", "HEAD:refs/heads/work"]);
  return runGit(clone, ["rev-parse", "HEAD"]);
}

test("a repository is the same each time it is made", async () => {
  const again = await makeRepository(room, "again", history);
  expect(again.commits).toEqual(repository.commits);
  expect(again.commits).toHaveLength(2);
});

test("anyone may clone, fetch and push when no token is asked for", async () => {
  const { url } = await serve();
  const [one, two] = [join(room, "one"), join(room, "two")];
  await runGit(room, ["clone", "--quiet", `${url}/acme/api`, one]);
  await runGit(room, ["clone", "--quiet", "--depth=1", `${url}/acme/api.git`, two]);
  expect(await readFile(join(one, "src/main.sh"), "utf8")).toBe("echo two — zwei\n");
  const pushed = await commitAndPush(one, []);
  await runGit(two, ["fetch", "--quiet", "origin", "work"]);
  expect(await runGit(two, ["rev-parse", "FETCH_HEAD"])).toBe(pushed);
});

test("a push larger than one chunk arrives", async () => {
  const { url } = await serve();
  const clone = join(room, "clone");
  await runGit(room, ["clone", "--quiet", `${url}/acme/api`, clone]);
  const noise = Array.from({ length: 300_000 }, (_, index) => (index * 2_654_435_761) % 4_294_967_296);
  await writeFile(join(clone, "noise.txt"), noise.join("\n"));
  await runGit(clone, ["add", "noise.txt"]);
  const pushed = await commitAndPush(clone, []);
  expect(await runGit(repository.path, ["rev-parse", "work"])).toBe(pushed);
});

test("with a token one may clone and push", async () => {
  const { url, requests } = await serve(["t0ken"]);
  const clone = join(room, "clone");
  await runGit(room, [...withToken("t0ken"), "clone", "--quiet", `${url}/acme/api`, clone]);
  const pushed = await commitAndPush(clone, withToken("t0ken"));
  expect(await runGit(repository.path, ["rev-parse", "work"])).toBe(pushed);
  expect(requests.every(({ target }) => !target.includes("t0ken"))).toBe(true);
  const bearer = { authorization: "Bearer t0ken" };
  const refs = await fetch(`${url}/acme/api/info/refs?service=git-upload-pack`, { headers: bearer });
  expect([refs.status, refs.headers.get("content-type")]).toEqual([200, "application/x-git-upload-pack-advertisement"]);
});

test("without the token one may do nothing", async () => {
  const { url } = await serve(["t0ken"]);
  const clone = (options: readonly string[]) =>
    runGit(room, [...options, "clone", `${url}/acme/api`, join(room, "clone")]);
  await expect(clone([])).rejects.toThrow("could not read Username");
  await expect(clone(withToken("wrong"))).rejects.toThrow(/Authentication failed|could not read Username/);
  await runGit(room, [...withToken("t0ken"), "clone", "--quiet", `${url}/acme/api`, join(room, "clone")]);
  await expect(commitAndPush(join(room, "clone"), [])).rejects.toThrow("could not read Username");
  await expect(runGit(repository.path, ["rev-parse", "--verify", "work"])).rejects.toThrow();
});

test("what is not there is not found", async () => {
  const { url } = await serve();
  const cloned = runGit(room, ["clone", "--quiet", `${url}/acme/nothing`, join(room, "clone")]);
  await expect(cloned).rejects.toThrow("not found");
});
