import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type GitServer, startGitServer } from "../../../e2e/git/git-server.ts";
import { makeRepository, type Repository } from "../../../e2e/git/make-repository.ts";
import { runGit } from "../../../e2e/git/run-git.ts";
import { endOf, followJob, logText, startRequest } from "../../testing/jobs.ts";
import { makeDataDirectory, startRunner, type TestRunner } from "../../testing/start-runner.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const data = makeDataDirectory();
const room = mkdtempSync(join(tmpdir(), "blazecraft-reuse-"));
let repository: Repository;
let server: GitServer;
let runner: TestRunner;

beforeAll(async () => {
  repository = await makeRepository(room, "acme/api", [
    {
      message: "Begin",
      files: {
        ".gitattributes": "*.txt text\n*.sh filter=evil\n",
        ".gitignore": "ignored\n",
        "run.sh": "echo one\n",
        "notes.txt": "a\nb\n",
        "twin-1": "same\n",
        "twin-2": "same\n",
        "kept/deep/file": "kept\n",
        "src/main.c": "int main;\n",
      },
    },
  ]);
  server = await startGitServer({ folder: room });
  runner = await startRunner(data.path, { ALLOW_INSECURE_GIT: "true", MAX_POOLED_WORKSPACES: "2" });
});

afterAll(async () => {
  await runner.stop("SIGINT");
  await server.close();
  data.remove();
  rmSync(room, { recursive: true });
});

async function run(command: string, ref = "") {
  const request = startRequest(command, { repoRef: `${server.url}/acme/api${ref}` });
  await runner.client.startJob(request);
  const events = await followJob(runner.client, request);
  const checkedOut = events.flatMap(({ payload }) =>
    payload.case === "workspace" && payload.value.event.case === "checkedOut" ? [payload.value.event.value] : [],
  );
  await runner.client.releaseJob({ jobId: request.jobId, attempt: 1 });
  return { outcome: endOf(events).outcome, log: logText(events), reused: checkedOut[0]?.reused };
}

/** What a job can find out about where it works. */
const inventory = [
  "find . -path ./.git -prune -o -printf '%M %n %l %p\\n' | sort",
  "git status --porcelain --ignored --branch",
  "find .git -type f ! -name index ! -path '.git/objects/*' | sort",
  "cat .git/config run.sh notes.txt twin-1 kept/deep/file; ls .git/objects .git/hooks 2>&1; git stash list; git reflog",
].join("\n");

const poison = `
echo 'echo evil' > run.sh; printf 'a\\r\\nb\\r\\n' > notes.txt; touch ignored; mkdir -p node_modules/x; touch node_modules/x/y
chmod 4755 src/main.c; chmod 777 kept/deep/file; rm twin-2; ln twin-1 twin-2
mv kept /tmp/kept-$$; ln -s /etc kept; rm -rf /tmp/kept-$$
mkdir .git/hooks; printf '#!/bin/sh\\ntouch /tmp/hook-ran\\n' > .git/hooks/post-checkout; chmod +x .git/hooks/post-checkout
git config core.fsmonitor 'touch fsmonitor-ran'; git config filter.evil.smudge 'touch filter-ran; cat'
git config filter.evil.clean 'touch filter-ran; cat'; git config alias.status '!touch alias-ran'
mkdir inner src/inner; git init -q inner; git -C inner config core.fsmonitor 'touch ../inner-ran'
git init -q --bare src/inner; echo x >> .git/info/exclude; echo left > .git/description
git -c user.name=a -c user.email=a@b commit -qam Mine; git update-ref refs/mine HEAD; git checkout -q --detach
mkdir sealed; touch sealed/file
`;

test("of an ended job only the files are taken over that are as they should be, whatever it did", async () => {
  const fresh = await run(inventory);
  expect(fresh).toMatchObject({ reused: false, log: expect.stringContaining("echo one") });
  const poisoned = await run(poison);
  expect(poisoned).toMatchObject({ reused: true, outcome: { exitCode: 0 } });
  const next = await run(inventory);
  expect(next.reused).toBe(true);
  expect(next.log).toBe(fresh.log);
});

test("a job on another commit takes the files over, too", async () => {
  await runGit(repository.path, ["branch", "other", "main"]);
  const tree = await runGit(repository.path, ["rev-parse", "main:src"]);
  const id = await runGit(repository.path, ["commit-tree", "-p", "main", "-m", "Only src", tree]);
  await runGit(repository.path, ["update-ref", "refs/heads/other", id]);
  expect(await run("ls", "@other")).toMatchObject({ reused: true, log: "main.c\n" });
  expect(await run("ls", "@main")).toMatchObject({ reused: true, log: expect.stringContaining("run.sh") });
});

test("one without a repository, and with directories that are closed, serves as well", async () => {
  await run("rm -rf .git; mkdir -p .git/hooks/deep; mv run.sh x; mkdir run.sh; touch run.sh/in; chmod 000 run.sh");
  expect(await run("cat run.sh")).toMatchObject({ log: "echo one\n" });
});

test("so many wait as may, and no job gets one that another has", async () => {
  const outcomes = await Promise.all([run("sleep 0.5; pwd"), run("sleep 0.5; pwd"), run("sleep 0.5; pwd")]);
  const places = new Set(outcomes.map(({ log }) => log));
  expect(places.size).toBe(3);
  await runner.stop("SIGTERM");
  runner = await startRunner(data.path, { ALLOW_INSECURE_GIT: "true", MAX_POOLED_WORKSPACES: "1" });
  const [mirror = ""] = readdirSync(join(data.path, "pool"));
  await vi.waitFor(() => expect(readdirSync(join(data.path, "pool", mirror))).toHaveLength(1));
  expect(existsSync(join(data.path, "mirrors"))).toBe(true);
});
