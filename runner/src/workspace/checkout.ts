import { chmodSync, mkdirSync } from "node:fs";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Repository } from "#protocol/repo-ref.ts";
import { give, giveTrees } from "../sandbox/give.ts";
import { discard } from "./discard.ts";
import type { GitContext } from "./git.ts";
import { replaceGitDirectory } from "./git-directory.ts";
import { mainLine } from "./git-problem.ts";
import { fillFiles, resetFiles } from "./lay-files.ts";
import { bringLfsContents } from "./lfs.ts";
import { type OpenMirror, openMirror } from "./mirror.ts";
import type { HistoryKind } from "./mirror-directory.ts";
import type { HostFailure } from "./mirror-repository.ts";
import { bringSubmodules } from "./submodules.ts";
import type { WorkspaceRequest, WorkspaceResult } from "./workspace.ts";
import { markReusable, takePooledWorkspace } from "./workspace-pool.ts";

/** Checks a repository out into the workspace, which reads its history from the mirror. */
export async function checkOut(repository: Repository, request: WorkspaceRequest): Promise<WorkspaceResult> {
  const startMs = performance.now();
  const { url, ref } = repository;
  request.emit({ case: "cloneStarted", value: { url, ref } });
  const laid = await layOut(repository, request);
  if (laid.kind === "failed")
    return { kind: "failed", message: `${url} could not be cloned: ${laid.reason}.`, detail: laid.detail };
  const { mirror, commit, subject, isReused: reused } = laid;
  const missing = await bringMore(mirror, request);
  if (missing !== undefined) return { kind: "failed", message: `${url}: ${missing.reason}.`, detail: missing.detail };
  const duration = durationFromMs(Math.round(performance.now() - startMs));
  const value = { commit, ref: mirror.target.ref, subject: subject.slice(0, 500), duration, reused };
  request.emit({ case: "checkedOut", value });
  markReusable(request.git.directory, mirror.place.id);
  return { kind: "ready", notice: mirror.notice };
}

/** Why there are no files: a fact for a person, and what git said. */
interface Failure {
  readonly kind: "failed";
  readonly reason: string;
  readonly detail: string;
}

type LaidOut =
  | {
      readonly kind: "laid";
      readonly mirror: OpenMirror;
      readonly commit: string;
      readonly subject: string;
      readonly isReused: boolean;
    }
  | Failure;

async function layOut(repository: Repository, request: WorkspaceRequest): Promise<LaidOut> {
  const mirror = await open(repository, request, { isSuspect: false });
  if (mirror.kind === "failed") return mirror;
  const laid = await layFiles(mirror, request);
  if (laid.kind === "laid") return laid;
  const other = await open(repository, request, { isSuspect: true });
  return other.kind === "failed" || other.repository === mirror.repository ? laid : layFiles(other, request);
}

function open({ url, ref }: Repository, request: WorkspaceRequest, { isSuspect }: { readonly isSuspect: boolean }) {
  return openMirror({ ...mirrorParts(request), url, ref, isSuspect });
}

function mirrorParts(request: WorkspaceRequest) {
  const { key, hostGit: git, credentials, settings } = request;
  const { maxBytes } = settings.mirrors;
  return { history: historyOf(request), key, git, credentials, maxBytes, isSuspect: false };
}

/** Brings what does not come by itself, as far as it was asked for. */
async function bringMore(mirror: OpenMirror, request: WorkspaceRequest): Promise<HostFailure | undefined> {
  const { options, hostGit: git, credentials } = request;
  const workspace = inWorkspace(request, mirror);
  const problem = options?.lfs ? await bringLfsContents(mirror, { host: { git, credentials }, workspace }) : undefined;
  return problem === undefined && options?.submodules ? bringAllSubmodules(mirror, request) : problem;
}

function bringAllSubmodules(mirror: OpenMirror, request: WorkspaceRequest) {
  const { git, settings: rules } = request;
  const { allowedRepositories } = rules;
  const parts = { workspace: git.directory, git, rules, allowedRepositories, mirror: mirrorParts(request) };
  return bringSubmodules({ mirror, directory: git.directory, level: 0 }, parts);
}

function historyOf({ options }: WorkspaceRequest): HistoryKind {
  return { depth: options?.depth ?? 0, withoutOldContents: options?.withoutOldContents ?? false };
}

async function layFiles(mirror: OpenMirror, request: WorkspaceRequest): Promise<LaidOut> {
  const { directory } = request.git;
  if (takePooledWorkspace(mirror.place.id, directory)) {
    chmodSync(directory, 0o700);
    await giveTrees(request.git.sandbox, [directory]);
    replaceGitDirectory(directory, planOf(mirror, request));
    const reset = await resetFiles(inWorkspace(request, mirror));
    if (reset.kind === "done") return { ...reset, kind: "laid", mirror, isReused: true };
    discard(directory);
  }
  mkdirSync(directory, { mode: 0o700 });
  give(request.git.sandbox, directory);
  replaceGitDirectory(directory, planOf(mirror, request));
  const filled = await fillFiles(inWorkspace(request, mirror));
  if (filled.kind === "done") return { ...filled, kind: "laid", mirror, isReused: false };
  discard(directory);
  return { kind: "failed", reason: mainLine(filled.problem), detail: filled.problem };
}

function planOf({ url, repository, refs, target }: OpenMirror, request: WorkspaceRequest) {
  return {
    url,
    target,
    ids: refs.ids,
    mirror: repository,
    history: historyOf(request),
    lfs: request.options?.lfs ?? false,
    sandbox: request.git.sandbox,
  };
}

function inWorkspace({ git }: WorkspaceRequest, { repository }: OpenMirror): GitContext {
  return { ...git, readable: [...git.readable, repository] };
}
