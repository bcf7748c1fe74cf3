import { resolve } from "node:path";
import { create } from "@bufbuild/protobuf";
import { type Branch, type Publication, PublicationSchema, type PullRequest } from "#gen/job/v1/job_pb.js";
import { parseRepoRef } from "#protocol/repo-ref.ts";
import type { Author } from "../workspace/checkpoint.ts";
import { openCleanRepository } from "../workspace/clean-repository.ts";
import { commitWork } from "../workspace/commit-work.ts";
import type { CredentialStore } from "../workspace/credentials.ts";
import type { GitContext } from "../workspace/git.ts";
import { mirrorPlace } from "../workspace/mirror-directory.ts";
import { branchUrl, openRequest } from "../workspace/pull-request.ts";
import { pushCommit } from "../workspace/push.ts";
import { readRefs } from "../workspace/refs.ts";
import type { WorkspaceSettings } from "../workspace/workspace.ts";
import type { WorkRefusal } from "./control.ts";
import { trashDirectory } from "./job-directory.ts";
import type { PushedBranch, WorkspaceRecord } from "./workspace-record.ts";

/** What the work of a job is brought to its host with. */
export interface PublishParts {
  /** Git in the workspace, behind the job's walls. */
  readonly git: GitContext;
  /** Git that may talk to the host, and sees nothing of the job. */
  readonly hostGit: GitContext;
  readonly credentials: CredentialStore;
  readonly settings: WorkspaceSettings;
  readonly author: Author;
}

/** What came of it. */
export type Published<Done> =
  | ({ readonly kind: "published"; readonly publication: Publication } & Done)
  /** One lower-case fact. */
  | { readonly kind: "refused"; readonly refusal: WorkRefusal; readonly message: string };

/** Pushes the work as it stands now to a branch. */
export async function pushWork(
  record: WorkspaceRecord,
  branch: Branch,
  parts: PublishParts,
): Promise<Published<{ readonly pushed: PushedBranch }>> {
  const { git, hostGit, credentials, settings, author } = parts;
  const { name, force } = branch;
  const url = urlOf(record, settings);
  const mirror = mirrorOf(record, parts);
  const message = branch.commitMessage || [record.title, record.jobUrl].filter((text) => text !== "").join("\n\n");
  const pushed = record.pushed.find((earlier) => earlier.branch === name)?.commit ?? "";
  const committed = await commitWork(git, { base: record.baseCommit, pushed, message, author });
  if (committed.kind === "unchanged")
    return refused("unchanged", "the job changed nothing, so there is nothing to push");
  if (committed.kind === "failed") return refused("failed", `the work cannot be committed: ${committed.problem}`);
  const { commit } = committed;
  const path = resolve(trashDirectory, `push-${record.jobId}`);
  const source = { workspace: git, commit, base: record.baseCommit, mirror };
  const clean = await openCleanRepository(path, hostGit, source);
  if (clean.kind === "failed") return refused("failed", `the work cannot be pushed: ${clean.problem}`);
  using repository = clean;
  const host = { url, access: "write" as const, git: repository.git, credentials };
  const result = await pushCommit(host, { commit, branch: name, force });
  if (result.kind === "refused") return refused(result.why, result.reason);
  const publication = create(PublicationSchema, {
    branch: name,
    commit,
    branchUrl: branchUrl(url, name, settings.hosts),
  });
  return { kind: "published", publication, pushed: { branch: name, commit } };
}

/** Opens a pull request for a branch that was pushed. */
export async function openWorkRequest(
  record: WorkspaceRecord,
  { branch, pullRequest }: { readonly branch: string; readonly pullRequest: PullRequest },
  parts: PublishParts,
): Promise<Published<{ readonly base: string }>> {
  const { credentials, settings } = parts;
  const pushed = record.pushed.find((earlier) => earlier.branch === branch);
  if (pushed === undefined) return refused("not-pushed", `no branch ${branch} of this job was pushed`);
  const url = urlOf(record, settings);
  const wish = {
    branch,
    base: pullRequest.base || (await branchBegunOn(record, parts, branch)),
    title: pullRequest.title || record.title,
    body: withLink(pullRequest.body, record.jobUrl),
    draft: pullRequest.draft,
  };
  const result = await openRequest(url, wish, { hosts: settings.hosts, credentials, fetch });
  if (result.kind === "refused") return refused(result.why, result.reason);
  const { url: pullRequestUrl, number: pullRequestNumber, base } = result;
  const { commit } = pushed;
  const known = { branch, commit, branchUrl: branchUrl(url, branch, settings.hosts) };
  const publication = create(PublicationSchema, { ...known, pullRequestUrl, pullRequestNumber });
  return { kind: "published", publication, base };
}

function urlOf({ repoRef }: WorkspaceRecord, settings: WorkspaceSettings): string {
  const place = parseRepoRef(repoRef, settings);
  if (place.kind !== "repository") throw new Error(`${repoRef} is no repository that this runner takes`);
  return place.url;
}

/** The mirror's repository that the workspace reads from; beside it there can be those of submodules. */
function mirrorOf(record: WorkspaceRecord, { git, settings }: PublishParts): string {
  const { root } = mirrorPlace(urlOf(record, settings), record.history);
  const mirror = git.readable.find((path) => path.startsWith(`${root}/`));
  if (mirror === undefined) throw new Error("the repository's mirror is gone");
  return mirror;
}

/** Empty when the job began on no branch, or on the one that is to be merged. */
async function branchBegunOn(record: WorkspaceRecord, parts: PublishParts, branch: string): Promise<string> {
  const { baseRef } = record;
  if (baseRef === "" || baseRef === branch) return "";
  const mirror = mirrorOf(record, parts);
  const refs = await readRefs({ ...parts.hostGit, directory: mirror, readable: [mirror], network: "none" });
  return refs.ids.has(`refs/heads/${baseRef}`) ? baseRef : "";
}

function withLink(body: string, jobUrl: string): string {
  const link = jobUrl === "" ? "" : `Made by a [BlazeCraft job](${jobUrl}).`;
  return [body.trimEnd(), link].filter((text) => text !== "").join("\n\n");
}

function refused(refusal: WorkRefusal, message: string): Extract<Published<object>, { kind: "refused" }> {
  return { kind: "refused", refusal, message };
}
