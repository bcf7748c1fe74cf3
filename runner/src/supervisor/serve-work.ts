import { basename, join, resolve } from "node:path";
import type { OpenedSandbox } from "../sandbox/open-sandbox.ts";
import { Redaction } from "../spool/redact.ts";
import { secretValues } from "../spool/secret-values.ts";
import { CredentialStore } from "../workspace/credentials.ts";
import { repositoriesUsedBy } from "../workspace/mirror-directory.ts";
import type { CallAnswer, Command } from "./control.ts";
import { jobDirectory, readStart } from "./job-directory.ts";
import { JobWork } from "./job-work.ts";
import { readWorkspaceRecord } from "./workspace-record.ts";

/** Does something for the work that an ended job left behind. */
export async function serveWork(
  { place, settings, work }: Extract<Command, { kind: "serve" }>,
  { sandbox, fetcher }: Pick<OpenedSandbox, "sandbox" | "fetcher">,
): Promise<CallAnswer> {
  const workspace = resolve(place, "workspace");
  const record = readWorkspaceRecord(workspace);
  if (record === undefined) return { kind: "refused", refusal: "not-ready", message: "the workspace is gone" };
  const { jobId } = record;
  const env = readStart(jobDirectory(jobId))?.spec?.env ?? {};
  const home = join(resolve(place), "home");
  const redaction = new Redaction([...settings.redact, ...secretValues(env)]);
  const { hosts } = settings.workspace;
  const onSecret = (secret: string) => redaction.hide([secret]);
  const shared = { jobId, path: settings.path };
  const left = new JobWork({
    jobId,
    workspace,
    git: (signal) => ({
      ...shared,
      sandbox: sandbox.forOwnerOf(workspace),
      directory: workspace,
      home,
      writable: [workspace, home],
      readable: repositoriesUsedBy(basename(place)),
      network: "none",
      signal,
    }),
    hostGit: (signal) => ({
      ...shared,
      sandbox: fetcher,
      directory: "/",
      home: "/nonexistent",
      writable: [],
      readable: [],
      network: "proxied",
      signal,
    }),
    credentials: new CredentialStore({ hosts, fetch, now: Date.now, onSecret }),
    settings: settings.workspace,
    author: settings.gitAuthor,
    redaction,
    emit: () => undefined,
  });
  return left.answer(work);
}
