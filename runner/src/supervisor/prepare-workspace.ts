import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { EndCause } from "#gen/job/v1/job_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { cutText } from "../executor/cut-text.ts";
import { findExecutor } from "../executor/executors.ts";
import { CredentialStore } from "../workspace/credentials.ts";
import type { GitContext } from "../workspace/git.ts";
import { repositoriesUsedBy } from "../workspace/mirror-directory.ts";
import { makeWorkspace } from "../workspace/workspace.ts";
import { writeGitIdentity } from "./git-identity.ts";
import type { JobWork } from "./job-work.ts";
import type { OutcomeInit } from "./outcome.ts";
import { resumeSession, type SessionUse } from "./resume-session.ts";
import type { JobRun } from "./run-job.ts";
import { giveBackSession, sessionKey } from "./session-directory.ts";
import { setBackWorkspace } from "./set-back.ts";
import { titleOf } from "./title.ts";
import { readWorkspaceRecord, type WorkspaceRecord } from "./workspace-record.ts";

/** Whether there is a workspace, and the id of the session that goes on in it, if one does. */
export type Prepared =
  | { readonly kind: "ready"; readonly resumes: string | undefined }
  | { readonly kind: "failed"; readonly outcome: OutcomeInit };

/** Makes the workspace of a job, or takes up the one that it continues; `work` is told where the job begins in it. */
export function prepareWorkspace(run: JobRun, work: JobWork): Promise<Prepared> {
  return run.request.continues === "" ? beginWorkspace(run, work) : takeUpSession(run, work);
}

/** A job as it uses its session. */
export function sessionUse(run: JobRun, signal: AbortSignal): SessionUse {
  const { request, spec, directory, settings } = run;
  const executor = findExecutor(spec, settings.executors);
  return { request, spec, directory, executor, git: gitContext(run, signal) };
}

async function beginWorkspace(run: JobRun, work: JobWork): Promise<Prepared> {
  const { request, spec, settings, writer, stop } = run;
  const result = await makeWorkspace({
    repoRef: spec.repoRef,
    options: spec.checkout,
    settings: settings.workspace,
    key: workspaceKey(request),
    git: gitContext(run, stop.signal),
    hostGit: hostGitContext(run, stop.signal),
    credentials: openCredentials(run),
    emit: (event) => {
      writer.event({ case: "workspace", value: { event } });
      if (event.case === "checkedOut") beginWork(run, work, { ...event.value, pushed: [] });
    },
  });
  const said = result.kind === "ready" ? result.notice : result.detail;
  if (said !== "") writer.log(LogStream.STDERR, Buffer.from(`${cutText(said, maxDetailBytes).text}\n`));
  if (result.kind === "ready") return { kind: "ready", resumes: undefined };
  return failed(EndCause.CLONE_FAILED, result.message);
}

async function takeUpSession(run: JobRun, work: JobWork): Promise<Prepared> {
  const { request, directory, writer, stop } = run;
  const resumption = await resumeSession(sessionUse(run, stop.signal));
  if (resumption.kind === "lost") return failed(EndCause.SESSION_LOST, resumption.message);
  const before = readWorkspaceRecord(directory.workspace);
  const setBack = await setBackWorkspace(request, before, gitContext(run, stop.signal));
  if (setBack.kind === "lost") {
    giveBackSession(request);
    return failed(EndCause.SESSION_LOST, setBack.message);
  }
  const { sessionId } = resumption;
  const commit = setBack.kind === "set-back" ? setBack.commit : resumption.commit;
  const baseCommit = before?.baseCommit ?? commit;
  if (commit !== "")
    beginWork(run, work, { commit: baseCommit, ref: before?.baseRef ?? "", pushed: before?.pushed ?? [] });
  const value = { jobId: request.continues, sessionId, commit, baseCommit };
  writer.event({ case: "workspace", value: { event: { case: "sessionResumed", value } } });
  return { kind: "ready", resumes: sessionId };
}

interface Base {
  readonly commit?: string;
  readonly ref?: string;
  readonly pushed: WorkspaceRecord["pushed"];
}

function beginWork({ request, spec, slot, directory, settings }: JobRun, work: JobWork, base: Base): void {
  writeGitIdentity(directory.home, settings.gitAuthor);
  const { jobId, attempt, jobUrl } = request;
  const { commit: baseCommit = "", ref: baseRef = "", pushed } = base;
  const { depth = 0, withoutOldContents = false } = spec.checkout ?? {};
  const job = { jobId, attempt, slot, repoRef: spec.repoRef, title: titleOf(spec), jobUrl };
  work.begin({ ...job, baseCommit, baseRef, history: { depth, withoutOldContents }, checkpoints: [], pushed });
}

/** Git in the workspace of a job, behind its walls. */
export function gitContext({ request, directory, settings, sandbox }: JobRun, signal: AbortSignal): GitContext {
  const { workspace, home } = directory;
  return {
    jobId: request.jobId,
    sandbox,
    directory: workspace,
    home,
    writable: [workspace, home],
    readable: repositoriesUsedBy(workspaceKey(request)),
    network: "proxied",
    path: settings.path,
    signal,
  };
}

/** Git that talks to repositories' hosts: it runs nothing that a job can change, and sees nothing of the job. */
export function hostGitContext({ request, settings, fetcher: sandbox }: JobRun, signal: AbortSignal): GitContext {
  return {
    jobId: request.jobId,
    sandbox,
    directory: "/",
    home: "/nonexistent",
    writable: [],
    readable: [],
    network: "proxied",
    path: settings.path,
    signal,
  };
}

/** Credentials for the repositories of a job; no event of it shows them. */
export function openCredentials({ settings, redaction }: JobRun): CredentialStore {
  const onSecret = (secret: string) => redaction.hide([secret]);
  return new CredentialStore({ hosts: settings.workspace.hosts, fetch, now: Date.now, onSecret });
}

/** What a workspace lives as long as, by its name: the directory of its job or of its session. */
export function workspaceKey(request: StartJobRequest): string {
  return request.spec?.work.case === "agent" ? sessionKey(request) : request.jobId;
}

function failed(cause: EndCause, message: string): Prepared {
  return { kind: "failed", outcome: { cause, message: cutText(message, maxMessageBytes).text } };
}

const maxDetailBytes = 16 * 1024;
const maxMessageBytes = 1024;
