import { mkdirSync } from "node:fs";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { WorkspaceEventSchema } from "#gen/job/v1/job_event_pb.js";
import type { CheckoutOptions } from "#gen/job/v1/job_pb.js";
import { parseRepoRef, type RepoRefRules } from "#protocol/repo-ref.ts";
import { give } from "../sandbox/give.ts";
import type { CredentialStore } from "./credentials.ts";
import type { GitContext } from "./git.ts";
import type { HostsSettings } from "./git-hosts.ts";
import type { PoolLimits } from "./workspace-pool.ts";

/** What the operator configured for workspaces. */
export interface WorkspaceSettings extends RepoRefRules {
  /** Which repositories jobs may work on, see `isRepositoryAllowed`; absent: all. */
  readonly allowedRepositories?: readonly string[];
  readonly hosts: HostsSettings;
  readonly mirrors: MirrorLimits;
  readonly pool: PoolLimits;
}

/** What mirrors may take. */
export interface MirrorLimits {
  /** All of them together, but for those in use. */
  readonly maxBytes: number;
  /** How long one is kept that is not used. */
  readonly keepMs: number;
}

/** A workspace to make. */
export interface WorkspaceRequest {
  readonly repoRef: string;
  readonly options: CheckoutOptions | undefined;
  readonly settings: WorkspaceSettings;
  /** What it lives as long as: the name of its job's directory, or of its session's. */
  readonly key: string;
  /** Git behind the job's walls: its directory becomes the workspace; nothing is there yet. */
  readonly git: GitContext;
  /** Git that may talk to repositories' hosts: what a job can write, it cannot. */
  readonly hostGit: GitContext;
  readonly credentials: CredentialStore;
  readonly emit: (event: WorkspaceEvent) => void;
}

/** What happened to a workspace, as it goes into an event. */
export type WorkspaceEvent = NonNullable<MessageInitShape<typeof WorkspaceEventSchema>["event"]>;

/** Whether there is a workspace now. */
export type WorkspaceResult =
  /** `notice`: what a person should know about it, for the log. Empty for nothing. */
  | { readonly kind: "ready"; readonly notice: string }
  /** One sentence for a person, and what git said. */
  | { readonly kind: "failed"; readonly message: string; readonly detail: string };

/** Makes the workspace: an empty directory, or the files of a repository as they were asked for, with its history. */
export async function makeWorkspace(request: WorkspaceRequest): Promise<WorkspaceResult> {
  const { repoRef, settings, git, emit } = request;
  const parsed = parseRepoRef(repoRef, settings);
  switch (parsed.kind) {
    case "scratch":
      mkdirSync(git.directory, { recursive: true, mode: 0o700 });
      give(git.sandbox, git.directory);
      emit({ case: "scratch", value: { name: parsed.name } });
      return { kind: "ready", notice: "" };
    case "refused":
      return { kind: "failed", message: `${parsed.reason}.`, detail: "" };
    case "repository":
      return (await loadCheckout()).checkOut(parsed, request);
  }
}

/** Loaded when first needed: a supervisor that waits for a job should be small, and most of what git takes is not. */
const loadCheckout = () => import("./checkout.ts");
