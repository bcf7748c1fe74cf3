import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { type BranchSchema, EndCause, type PublishSchema, type PullRequestSchema } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { findProblem } from "#protocol/problem.ts";
import { type GitServer, startGitServer } from "../../e2e/git/git-server.ts";
import { type HostApi, startHostApi } from "../../e2e/git/host-api.ts";
import { makeRepository, type Repository } from "../../e2e/git/make-repository.ts";
import { runGit } from "../../e2e/git/run-git.ts";
import { endOf, followJob, logText, startRequest, story } from "../testing/jobs.ts";
import { makeDataDirectory, startRunner, type TestRunner } from "../testing/start-runner.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const jobUrl = "https://jobs.example.com/jobs/job_0123456789abcdef";
const data = makeDataDirectory();
const room = mkdtempSync(join(tmpdir(), "blazecraft-publish-"));
const app = generateKeyPairSync("rsa", { modulusLength: 2048 });
const keyFile = join(room, "app.pem");
const tokens: string[] = [];
let repository: Repository;
let server: GitServer;
let api: HostApi;
let runner: TestRunner;
let repositories = 0;
let name: string;

beforeAll(async () => {
  writeFileSync(keyFile, app.privateKey.export({ type: "pkcs8", format: "pem" }));
  server = await startGitServer({ folder: join(room, "repositories"), tokens });
});

beforeEach(async () => {
  tokens.splice(0, tokens.length, "t0ken-that-is-right");
  repositories += 1;
  name = `acme/api${repositories}`;
  repository = await makeRepository(join(room, "repositories"), name, [
    { message: "Begin", files: { "a.txt": "one\n", ".gitignore": "*.log\n" } },
  ]);
  await runGit(repository.path, ["branch", "feature/x"]);
});

afterEach(async () => {
  await runner.stop("SIGINT");
  await api[Symbol.asyncDispose]();
});

afterAll(async () => {
  await server.close();
  data.remove();
  rmSync(room, { recursive: true });
});

async function start(kind: "GITHUB" | "GITLAB", env: Readonly<Record<string, string>> = {}): Promise<void> {
  api = await startHostApi({ tokens: ["t0ken-that-is-right"], appKey: app.publicKey });
  runner = await startRunner(data.path, {
    ALLOW_INSECURE_GIT: "true",
    [`${kind}_HOSTS`]: new URL(server.url).host,
    [`${kind}_API_URL`]: api.url,
    [`${kind}_TOKEN`]: "t0ken-that-is-right",
    ...env,
  });
}

interface JobInit {
  readonly ref?: string;
  readonly publish?: MessageInitShape<typeof PublishSchema>;
}

/** A job to its end, not yet released. */
async function run(command: string, { ref = "", publish }: JobInit = {}) {
  const repoRef = `${server.url}/${name}${ref}`;
  const request = { ...startRequest(command, { repoRef, name: "Mend it", ...(publish && { publish }) }), jobUrl };
  await runner.client.startJob(request);
  const events = await followJob(runner.client, request);
  return { request, events, outcome: endOf(events).outcome };
}

async function push({ jobId, attempt }: StartJobRequest, branch: MessageInitShape<typeof BranchSchema>) {
  const { publication } = await runner.client.pushBranch({ jobId, attempt, branch });
  return publication ?? expect.fail("no publication came");
}

async function open(
  { jobId, attempt }: StartJobRequest,
  branch: string,
  pullRequest: MessageInitShape<typeof PullRequestSchema> = {},
) {
  const { publication } = await runner.client.openPullRequest({ jobId, attempt, branch, pullRequest });
  return publication ?? expect.fail("no publication came");
}

async function refusal(call: Promise<unknown>) {
  const error = ConnectError.from(await call.catch((thrown: unknown) => thrown));
  return { reason: findProblem(error)?.reason, message: error.rawMessage };
}

/** A hook of the repository at its host. */
function hook(kind: string, script: string): void {
  writeFileSync(join(repository.path, "hooks", kind), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

const log = (branch: string, format: string) =>
  runGit(repository.path, ["log", `--format=${format}`, `main..${branch}`]);
const show = (object: string) => runGit(repository.path, ["show", object]);

describe("pushing", () => {
  test("brings what is not committed as one commit, behind those of the job", async () => {
    await start("GITHUB");
    const command = "echo two >> a.txt; git commit -qam Two; echo three >> a.txt; echo x > y.txt; echo z > z.log";
    const { request } = await run(command);
    const publication = await push(request, { name: "work/1" });
    expect(await log("work/1", "%an <%ae> %s%n%b")).toBe(
      `BlazeCraft runner <runner@blazecraft.invalid> Mend it\n${jobUrl}\nBlazeCraft runner <runner@blazecraft.invalid> Two`,
    );
    expect(await runGit(repository.path, ["ls-tree", "--name-only", "work/1"])).toBe(".gitignore\na.txt\ny.txt");
    expect(publication).toMatchObject({
      branch: "work/1",
      commit: await runGit(repository.path, ["rev-parse", "work/1"]),
      branchUrl: `${server.url}/${name}/tree/work/1`,
    });
    expect(await push(request, { name: "work/1" })).toEqual(publication);
    expect(await push(request, { name: "other", commitMessage: "Said otherwise" })).toMatchObject({ branch: "other" });
    expect(await log("other", "%s")).toBe("Said otherwise\nTwo");
  });

  test("builds on what was pushed before, so that nobody's copy is overtaken", async () => {
    await start("GITHUB");
    const { request } = await run("echo two >> a.txt");
    const workspace = join(data.path, "jobs", request.jobId, "workspace");
    await push(request, { name: "work" });
    writeFileSync(join(workspace, "b.txt"), "b\n");
    await push(request, { name: "work" });
    expect(await log("work", "%s")).toBe("Mend it\nMend it");
    await runGit(workspace, ["-c", "safe.directory=*", "commit", "--all", "--message", "Own"]);
    // The workspace may be another user's.
    execFileSync("chown", ["-R", "--reference=.", ".git"], { cwd: workspace });
    await push(request, { name: "work" });
    expect((await log("work", "%s")).split("\n").toSorted()).toEqual(["Mend it", "Mend it", "Mend it", "Own"]);
    expect(await show("work:b.txt")).toBe("b");
  });

  test("refuses a branch that stands elsewhere, unless it is forced", async () => {
    await start("GITHUB");
    await runGit(repository.path, ["update-ref", "refs/heads/taken", await orphan()]);
    const { request } = await run("echo two >> a.txt");
    expect(await refusal(push(request, { name: "taken" }))).toMatchObject({ reason: ProblemReason.BRANCH_MOVED });
    await push(request, { name: "taken", force: true });
    expect(await show("taken:a.txt")).toBe("one\ntwo");
    await push(request, { name: "main" });
    expect(await show("main:a.txt")).toBe("one\ntwo");
  });

  test("is refused when nothing was changed, and for what names no branch", async () => {
    await start("GITHUB");
    const { request } = await run("echo noise > a.log");
    expect(await refusal(push(request, { name: "work" }))).toMatchObject({ reason: ProblemReason.NOTHING_CHANGED });
    for (const bad of ["a..b", "a b", "-x", "x.lock", "a:b", "refs//x", "a@{1}"]) {
      expect(await refusal(push(request, { name: bad }))).toMatchObject({ reason: ProblemReason.INVALID_FIELD });
    }
  });

  test("heeds nothing that the job has said in its own repository", async () => {
    await start("GITHUB");
    const ran = join(room, "ran");
    const hooks =
      "mkdir -p hooks; for h in pre-push pre-commit reference-transaction; do printf '#!/bin/sh\\ntouch RAN\\n' > hooks/$h; done; chmod +x hooks/*";
    const command = [
      hooks.replaceAll("RAN", ran),
      "git config core.hooksPath $PWD/hooks",
      `git config url.http://127.0.0.1:1/.insteadOf ${server.url}/`,
      "git config remote.origin.pushurl http://127.0.0.1:1/x",
      `git config credential.helper '!touch ${ran}'`,
      `git config core.sshCommand 'touch ${ran}'`,
      `git config filter.x.clean 'cat'`,
      "echo two >> a.txt",
    ].join("; ");
    const { request } = await run(command);
    await push(request, { name: "work" });
    expect(await show("work:a.txt")).toBe("one\ntwo");
    expect(readdirSync(room)).not.toContain("ran");
  });

  test("checks every object on its way", async () => {
    await start("GITHUB");
    const evil =
      'blob=$(git hash-object -w --stdin </dev/null); tree=$(printf "100644 blob $blob\\t.git\\n" | git mktree)';
    const { request } = await run(
      `${evil}; git update-ref HEAD $(git commit-tree $tree -p HEAD -m Evil); git read-tree HEAD`,
    );
    const refused = await refusal(push(request, { name: "evil" }));
    expect(refused).toMatchObject({
      reason: ProblemReason.REPOSITORY_BROKEN,
      message: expect.stringMatching(/hasDotgit/),
    });
    await expect(show("evil")).rejects.toThrow();
  });

  test("that the host refuses is answered with what the host says", async () => {
    await start("GITHUB");
    hook("pre-receive", "echo 'main is protected' >&2; exit 1");
    const { request } = await run("echo two >> a.txt");
    expect(await refusal(push(request, { name: "main" }))).toEqual({
      reason: ProblemReason.HOST_REFUSED,
      message: `${new URL(server.url).host} refuses the push: main is protected; pre-receive hook declined`,
    });
  });

  test("with a wrong token says so, and shows it nowhere", async () => {
    await start("GITHUB");
    const { request } = await run("echo two >> a.txt");
    tokens.splice(0, 1, "another");
    const { reason, message } = await refusal(push(request, { name: "work" }));
    expect([reason, message]).toEqual([
      ProblemReason.NO_CREDENTIALS,
      `${new URL(server.url).host} does not take GITHUB_TOKEN for ${name}`,
    ]);
    expect(runner.log()).not.toContain("t0ken");
  });

  async function orphan(): Promise<string> {
    const tree = await runGit(repository.path, ["rev-parse", "main^{tree}"]);
    return runGit(repository.path, ["commit-tree", tree, "-m", "Elsewhere"]);
  }
});

describe.each([
  ["GITHUB", "https://github.test/acme/api/pull/1", "/tree/"],
  ["GITLAB", "https://gitlab.test/acme/api/-/merge_requests/1", "/-/tree/"],
] as const)("a request to merge at %s", (kind, url, tree) => {
  test("is opened for the branch that was pushed, into the one that the job began on, with a link to the job", async () => {
    await start(kind);
    const { request } = await run("echo two >> a.txt", { ref: "@feature/x" });
    expect(await refusal(open(request, "work"))).toMatchObject({ reason: ProblemReason.NOT_PUSHED });
    const { commit } = await push(request, { name: "work" });
    const publication = await open(request, "work", { body: "It was broken.", draft: true });
    expect(publication).toMatchObject({ branch: "work", commit, pullRequestUrl: url, pullRequestNumber: 1 });
    expect(publication.branchUrl).toBe(`${server.url}/${name}${tree}work`);
    expect(api.opened).toMatchObject(
      [{ head: "work", base: "feature/x", title: /Mend it$/, draft: true }].map(loosely),
    );
    expect(api.opened[0]?.body).toBe(`It was broken.\n\nMade by a [BlazeCraft job](${jobUrl}).`);
    expect(await open(request, "work", { title: "Another" })).toMatchObject({ pullRequestNumber: 1 });
    expect(api.opened).toHaveLength(1);
  });

  test("goes into the default branch otherwise, and says what the host refuses", async () => {
    await start(kind);
    const { request } = await run("echo two >> a.txt", { ref: `@${repository.commits[0]}` });
    await push(request, { name: "work" });
    const bodies = {
      GITHUB: { message: "Validation Failed", errors: [{ message: "No commits between main and work" }] },
      GITLAB: { message: ["No commits between main and work"] },
    };
    api.refuseNext(422, bodies[kind]);
    const refused = await refusal(open(request, "work"));
    expect(refused.reason).toBe(ProblemReason.HOST_REFUSED);
    expect(refused.message).toMatch(/refuses the request: status 422: .*No commits between main and work$/);
    expect(await open(request, "work")).toMatchObject({ pullRequestNumber: 1 });
    expect(api.opened).toMatchObject([{ base: "main", draft: false }]);
  });

  test("with a token that the host does not take is refused, and the token is not shown", async () => {
    await start(kind);
    const { request } = await run("echo two >> a.txt");
    await push(request, { name: "work" });
    api.tokens.splice(0, 1);
    const { reason, message } = await refusal(open(request, "work"));
    expect(reason).toBe(ProblemReason.NO_CREDENTIALS);
    expect(message).toMatch(new RegExp(`does not take ${kind}_TOKEN for this: status 401`));
    expect(message).not.toContain("t0ken");
  });
});

function loosely({ title, ...rest }: { title: RegExp; head: string; base: string; draft: boolean }) {
  return { ...rest, title: expect.stringMatching(title) };
}

describe("a job that is to be published when it succeeds", () => {
  const publish = { branch: { name: "done" }, pullRequest: { title: "Done" } };

  test("is pushed and opened before it ends, and tells so", async () => {
    await start("GITHUB");
    const { events, outcome } = await run("echo two >> a.txt", { publish });
    expect(outcome?.cause).toBe(EndCause.COMPLETED);
    expect(story(events).slice(-5)).toEqual([
      ...["phaseChanged", "branchPushed", "pullRequestOpened", "diffstat", "attemptEnded"],
    ]);
    expect(api.opened).toMatchObject([{ head: "done", base: "main", title: "Done" }]);
  });

  test("is not, when it fails", async () => {
    await start("GITHUB");
    const { outcome } = await run("echo two >> a.txt; exit 3", { publish });
    expect(outcome?.cause).toBe(EndCause.EXIT_CODE);
    await expect(show("done")).rejects.toThrow();
  });

  test("ends well when there is nothing to push, and says so in its log", async () => {
    await start("GITHUB");
    const { outcome, events } = await run("true", { publish });
    expect(outcome?.cause).toBe(EndCause.COMPLETED);
    expect(logText(events, LogStream.STDERR)).toMatch(/nothing to push/);
    expect(api.opened).toEqual([]);
  });

  test("fails with the reason when it cannot be", async () => {
    await start("GITHUB");
    tokens.push("read-only");
    const moved = { branch: { name: "feature/x" } };
    await runGit(repository.path, ["update-ref", "refs/heads/feature/x", await elsewhere()]);
    const { outcome, events } = await run("echo two >> a.txt; git reset -q --soft HEAD", { publish: moved });
    expect(outcome).toMatchObject({
      cause: EndCause.PUBLISH_FAILED,
      message: expect.stringMatching(/stands elsewhere/),
    });
    expect(JSON.stringify(events, (_, value) => (typeof value === "bigint" ? String(value) : value))).not.toContain(
      "t0ken",
    );
  });

  test("can be stopped while it is pushed", async () => {
    await start("GITHUB");
    const begun = join(room, "push-begun");
    hook("pre-receive", `touch ${begun}; sleep 60`);
    const repoRef = `${server.url}/${name}`;
    const request = startRequest("echo two >> a.txt", { repoRef, publish });
    await runner.client.startJob(request);
    const ended = followJob(runner.client, request);
    await vi.waitFor(() => expect(existsSync(begun)).toBe(true), { timeout: 30_000 });
    await runner.client.stopJob({ jobId: request.jobId, attempt: 1, cause: EndCause.CANCELED });
    expect(endOf(await ended).outcome?.cause).toBe(EndCause.CANCELED);
  });

  async function elsewhere(): Promise<string> {
    const tree = await runGit(repository.path, ["rev-parse", "main^{tree}"]);
    return runGit(repository.path, ["commit-tree", tree, "-m", "Elsewhere"]);
  }
});

test("a GitHub App's token that the host takes no more is minted again, for git and for the API", async () => {
  await start("GITHUB", { GITHUB_TOKEN: "", GITHUB_APP_ID: "4711", GITHUB_APP_PRIVATE_KEY_FILE: keyFile });
  const follow = setInterval(() => tokens.splice(0, tokens.length, ...api.tokens), 1);
  try {
    const { request } = await run("echo two >> a.txt");
    await push(request, { name: "work" });
    const minted = api.minted.length;
    api.tokens.length = 0;
    tokens.length = 0;
    await push(request, { name: "again" });
    expect(api.minted.length).toBeGreaterThan(minted);
    await open(request, "again");
    expect(api.opened).toHaveLength(1);
  } finally {
    clearInterval(follow);
  }
});

test("nothing of a push is left", async () => {
  await start("GITHUB");
  const { request } = await run("echo two >> a.txt");
  await push(request, { name: "work" });
  expect(readdirSync(join(data.path, "trash")).filter((file) => file.startsWith("push-"))).toEqual([]);
  const config = readFileSync(join(data.path, "jobs", request.jobId, "workspace/.git/config"), "utf8");
  expect(config).not.toContain("t0ken");
});
