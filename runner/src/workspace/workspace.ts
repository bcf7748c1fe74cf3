import { mkdirSync } from "node:fs";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { WorkspaceEventSchema } from "#gen/job/v1/job_event_pb.js";
import { parseRepoRef, type RepoRefRules } from "#protocol/repo-ref.ts";
import type { GitContext } from "./git.ts";

/** What the operator configured for workspaces. */
export type WorkspaceSettings = RepoRefRules;

/** A workspace to make. */
export interface WorkspaceRequest {
  readonly repoRef: string;
  readonly settings: WorkspaceSettings;
  /** Where git runs: its directory becomes the workspace; if it is there, it must be empty. */
  readonly git: GitContext;
  readonly emit: (event: WorkspaceEvent) => void;
}

/** What happened to a workspace, as it goes into an event. */
export type WorkspaceEvent = NonNullable<MessageInitShape<typeof WorkspaceEventSchema>["event"]>;

/** Whether there is a workspace now. */
export type WorkspaceResult =
  | { readonly kind: "ready" }
  /** One sentence for a person, and what git said. */
  | { readonly kind: "failed"; readonly message: string; readonly detail: string };

/** Makes the workspace: an empty directory, or a clone with full history and the asked-for ref checked out. */
export async function makeWorkspace({ repoRef, settings, git, emit }: WorkspaceRequest): Promise<WorkspaceResult> {
  mkdirSync(git.directory, { recursive: true, mode: 0o700 });
  const parsed = parseRepoRef(repoRef, settings);
  switch (parsed.kind) {
    case "scratch":
      emit({ case: "scratch", value: { name: parsed.name } });
      return { kind: "ready" };
    case "refused":
      return { kind: "failed", message: `${parsed.reason}.`, detail: "" };
    case "repository":
      return (await loadClone()).cloneRepository(parsed, git, emit);
  }
}

/** Loaded when first needed: a supervisor that waits for a job should be small, and most of what git takes is not. */
const loadClone = () => import("./clone.ts");
