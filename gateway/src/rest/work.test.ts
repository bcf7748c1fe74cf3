import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { DiffstatSchema, JobSchema, PublicationSchema } from "#gen/job/v1/job_pb.js";
import {
  type CreateJobRequest,
  DiffSchema,
  FileChange,
  type GetDiffRequest,
  type OpenPullRequestRequest,
  type PushBranchRequest,
} from "#gen/job/v1/job_service_pb.js";
import { openLocalGateway } from "../local-gateway.ts";

const jobId = "job_0123456789abcdef";
const json = { "content-type": "application/json" };
const bytes = (text: string) => new TextEncoder().encode(text);
const diff = create(DiffSchema, {
  baseCommit: "c0ffee",
  stat: { files: 4, insertions: 3, deletions: 1 },
  files: [
    { path: "a.txt", change: FileChange.MODIFIED, insertions: 1, deletions: 1, patch: bytes("diff a\n") },
    { path: "b", oldPath: "c", change: FileChange.RENAMED, patch: bytes("diff b\n"), truncated: true },
    { path: "d.bin", change: FileChange.ADDED, binary: true },
  ],
  omittedFiles: 1,
});

test("a diff is JSON, or a patch for those who ask for one", async () => {
  const asked: GetDiffRequest[] = [];
  const send = openLocalGateway({
    job: {
      getDiff(request) {
        asked.push(request);
        return { diff };
      },
    },
  });
  const shown = await send(`/api/jobs/${jobId}/diff?path=a.txt&stat=1&from_turn=1&to_turn=3`);
  expect(await shown.json()).toMatchObject({
    base_commit: "c0ffee",
    stat: { files: 4, insertions: 3, deletions: 1 },
    files: [
      { path: "a.txt", change: "modified", patch: "diff a\n" },
      { path: "b", old_path: "c", change: "renamed", truncated: true },
      { path: "d.bin", binary: true, patch: "" },
    ],
    omitted_files: 1,
  });
  const patch = await send(`/api/jobs/${jobId}/diff`, { headers: { accept: "text/x-diff" } });
  expect([await patch.text(), patch.headers.get("x-incomplete-files")]).toEqual(["diff a\ndiff b\n", "3"]);
  expect(asked).toMatchObject([
    { id: jobId, path: "a.txt", statOnly: true, fromTurn: 1, toTurn: 3 },
    { id: jobId, path: "", statOnly: false, fromTurn: 0, toTurn: 0 },
  ]);
});

test("work is pushed, and a pull request opened, with what is said of them", async () => {
  const asked: (PushBranchRequest | OpenPullRequestRequest)[] = [];
  const publication = create(PublicationSchema, { branch: "fix", commit: "c0ffee", pullRequestNumber: 7 });
  const answer = (request: PushBranchRequest | OpenPullRequestRequest) => {
    asked.push(request);
    return { publication };
  };
  const send = openLocalGateway({ job: { pushBranch: answer, openPullRequest: answer } });
  const push = { branch: "fix", commit_message: "Fix it", force: true };
  const pushed = await send(`/api/jobs/${jobId}/push`, { method: "POST", headers: json, body: JSON.stringify(push) });
  expect(await pushed.json()).toMatchObject({ branch: "fix", commit: "c0ffee", pull_request_number: 7 });
  const request = { title: "Fix", body: "It was broken.", base: "main", draft: true };
  const path = `/api/jobs/${jobId}/pull-request`;
  expect((await send(path, { method: "POST", headers: json, body: JSON.stringify(request) })).status).toBe(200);
  expect((await send(path, { method: "POST" })).status).toBe(200);
  expect(asked).toMatchObject([
    { branch: { name: "fix", commitMessage: "Fix it", force: true } },
    { pullRequest: request },
    { pullRequest: { title: "", draft: false } },
  ]);
});

test("a job is created with how it is checked out, and what becomes of it", async () => {
  const asked: CreateJobRequest[] = [];
  const send = openLocalGateway({
    job: {
      createJob(request) {
        asked.push(request);
        const done = { baseCommit: "c0ffee", diffstat: create(DiffstatSchema, { files: 2 }) };
        return { job: create(JobSchema, { id: jobId, ...(request.spec && { spec: request.spec }), ...done }) };
      },
    },
  });
  const body = {
    ...{ type: "task", repo_ref: "acme/api", command: "make", artifacts: ["out/**"] },
    checkout: { depth: 1, lfs: true },
    publish: { branch: "fix", pull_request: { title: "Fix", draft: true } },
  };
  const created = await send("/api/jobs", { method: "POST", headers: json, body: JSON.stringify(body) });
  expect(asked[0]?.spec).toMatchObject({
    checkout: { depth: 1, withoutOldContents: false, submodules: false, lfs: true },
    artifacts: ["out/**"],
    publish: { branch: { name: "fix", force: false }, pullRequest: { title: "Fix", draft: true } },
  });
  expect(await created.json()).toMatchObject({
    ...{ artifacts: ["out/**"], base_commit: "c0ffee", diffstat: { files: 2, insertions: 0 }, publication: null },
    checkout: { depth: 1, without_old_contents: false },
    publish: { branch: "fix", force: false, pull_request: { title: "Fix", draft: true } },
  });
});

test.each([
  [{ publish: {} }, "publish.branch"],
  [{ publish: { branch: "a b" } }, "publish.branch"],
  [{ publish: "fix" }, "publish"],
  [{ publish: { branch: "fix", pull_request: { titel: "x" } } }, "publish.pull_request.titel"],
  [{ publish: { branch: "fix", pull_request: { title: "a\nb" } } }, "publish.pull_request.title"],
  [{ checkout: { depth: -1 } }, "checkout.depth"],
  [{ artifacts: ["../x"] }, "artifacts[0]"],
])("%j is refused by its field", async (change, field) => {
  const body = JSON.stringify({ type: "task", repo_ref: "acme/api", command: "make", ...change });
  const response = await openLocalGateway({})("/api/jobs", { method: "POST", headers: json, body });
  expect([response.status, await response.json()]).toMatchObject([400, { errors: [{ field }] }]);
});
