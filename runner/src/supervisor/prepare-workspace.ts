import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { EndCause } from "#gen/job/v1/job_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { cutText } from "../executor/cut-text.ts";
import { findExecutor } from "../executor/executors.ts";
import { CredentialStore } from "../workspace/credentials.ts";
import type { GitContext } from "../workspace/git.ts";
import { repositoriesUsedBy } from "../workspace/mirror-directory.ts";
import { makeWorkspace } from "../workspace/workspace.ts";
import type { OutcomeInit } from "./outcome.ts";
import { resumeSession, type SessionUse } from "./resume-session.ts";
import type { JobRun } from "./run-job.ts";
import { sessionKey } from "./session-directory.ts";

/** Whether there is a workspace, and the id of the session that goes on in it, if one does. */
export type Prepared =
  | { readonly kind: "ready"; readonly resumes: string | undefined }
  | { readonly kind: "failed"; readonly outcome: OutcomeInit };

/** Makes the workspace of a job, or takes up the one that it continues. */
export function prepareWorkspace(run: JobRun): Promise<Prepared> {
  return run.request.continues === "" ? beginWorkspace(run) : takeUpSession(run);
}

/** A job as it uses its session. */
export function sessionUse(run: JobRun, signal: AbortSignal): SessionUse {
  const { request, spec, directory, settings } = run;
  const executor = findExecutor(spec, settings.executors);
  return { request, spec, directory, executor, git: gitContext(run, signal) };
}

async function beginWorkspace(run: JobRun): Promise<Prepared> {
  const { request, spec, settings, writer, stop } = run;
  const result = await makeWorkspace({
    repoRef: spec.repoRef,
    options: spec.checkout,
    settings: settings.workspace,
    key: workspaceKey(request),
    git: gitContext(run, stop.signal),
    hostGit: hostGitContext(run, stop.signal),
    credentials: openCredentials(run),
    emit: (event) => writer.event({ case: "workspace", value: { event } }),
  });
  const said = result.kind === "ready" ? result.notice : result.detail;
  if (said !== "") writer.log(LogStream.STDERR, Buffer.from(`${cutText(said, maxDetailBytes).text}\n`));
  if (result.kind === "ready") return { kind: "ready", resumes: undefined };
  return failed(EndCause.CLONE_FAILED, result.message);
}

async function takeUpSession(run: JobRun): Promise<Prepared> {
  const resumption = await resumeSession(sessionUse(run, run.stop.signal));
  if (resumption.kind === "lost") return failed(EndCause.SESSION_LOST, resumption.message);
  const { sessionId, commit } = resumption;
  const value = { jobId: run.request.continues, sessionId, commit };
  run.writer.event({ case: "workspace", value: { event: { case: "sessionResumed", value } } });
  return { kind: "ready", resumes: sessionId };
}

function gitContext({ request, directory, settings, sandbox }: JobRun, signal: AbortSignal): GitContext {
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
export function hostGitContext({ request, settings, sandbox }: JobRun, signal: AbortSignal): GitContext {
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
