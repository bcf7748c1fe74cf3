import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { type GitServer, startGitServer } from "../../../e2e/git/git-server.ts";
import { makeRepository } from "../../../e2e/git/make-repository.ts";
import { endOf, followJob, logText, startRequest } from "../../testing/jobs.ts";
import { makeDataDirectory, startRunner, type TestRunner } from "../../testing/start-runner.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const content = Buffer.from("what LFS holds\n");

function pointer(to: Buffer): string {
  const oid = createHash("sha256").update(to).digest("hex");
  return `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${to.length}\n`;
}

function hasLfs(): boolean {
  try {
    return execFileSync("git", ["lfs", "version"]).length > 0;
  } catch {
    return false;
  }
}

describe.runIf(hasLfs())("contents that Git LFS holds", () => {
  const data = makeDataDirectory();
  const room = mkdtempSync(join(tmpdir(), "blazecraft-lfs-"));
  let server: GitServer;
  let runner: TestRunner;

  beforeAll(async () => {
    const attributes = { ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n" };
    // Where it would like its contents to be asked for, with credentials.
    const config = { ".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:1/evil\n" };
    const files = { ...attributes, ...config, "a.bin": pointer(content) };
    await makeRepository(room, "acme/api", [{ message: "Begin", files }]);
    const gone = { ...attributes, "a.bin": pointer(Buffer.from("gone")) };
    await makeRepository(room, "acme/gone", [{ message: "Begin", files: gone }]);
    const lfs = new Map([[createHash("sha256").update(content).digest("hex"), content]]);
    server = await startGitServer({ folder: room, tokens: ["t0ken"], lfs });
    const host = new URL(server.url).host;
    runner = await startRunner(data.path, { ALLOW_INSECURE_GIT: "true", GITLAB_HOSTS: host, GITLAB_TOKEN: "t0ken" });
  });

  afterAll(async () => {
    await runner.stop("SIGINT");
    await server.close();
    data.remove();
    rmSync(room, { recursive: true });
  });

  async function run(repository: string, checkout: { lfs: boolean }) {
    const request = startRequest("cat a.bin; git status --porcelain", {
      repoRef: `${server.url}/acme/${repository}`,
      checkout,
    });
    await runner.client.startJob(request);
    const events = await followJob(runner.client, request);
    await runner.client.releaseJob({ jobId: request.jobId, attempt: 1 });
    return { outcome: endOf(events).outcome, log: logText(events) };
  }

  test("are there when they are asked for, also in files taken over, and fetched once", async () => {
    for (const _ of ["new", "taken over"]) expect((await run("api", { lfs: true })).log).toBe(content.toString());
    const served = server.requests.filter(({ target, authorization }) => authorization && target.includes("/content/"));
    expect(served).toHaveLength(1);
  });

  test("are not there when nobody asked", async () => {
    expect((await run("api", { lfs: false })).log).toBe(pointer(content));
  });

  test("end the job when the host does not have them", async () => {
    const { outcome } = await run("gone", { lfs: true });
    expect(outcome).toMatchObject({ cause: EndCause.CLONE_FAILED, message: expect.stringContaining("Git LFS: ") });
  });
});
