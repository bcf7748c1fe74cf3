import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { restoreCheckpoint } from "../workspace/checkpoint.ts";
import type { GitContext } from "../workspace/git.ts";
import type { WorkspaceRecord } from "./workspace-record.ts";

/** What became of a workspace that was to be set back to a turn. */
export type SetBack =
  /** It was not to be. */
  | { readonly kind: "as-it-stands" }
  /** Commit that is checked out now. */
  | { readonly kind: "set-back"; readonly commit: string }
  /** One sentence for a person. */
  | { readonly kind: "lost"; readonly message: string };

/** Sets a workspace back to where it stood after a turn of the job before, if the new one asks for that. */
export async function setBackWorkspace(
  { continues, continuesTurn: turn }: StartJobRequest,
  before: WorkspaceRecord | undefined,
  git: GitContext,
): Promise<SetBack> {
  if (turn === 0) return { kind: "as-it-stands" };
  const recorded = before?.jobId === continues ? before.checkpoints : [];
  const checkpoint = recorded.find((candidate) => candidate.turn === turn);
  const lost = (why: string) => ({ kind: "lost" as const, message: `Turn ${turn} of ${continues} is lost: ${why}.` });
  if (checkpoint === undefined) return lost("the work was not recorded after it");
  const restored = await restoreCheckpoint(git, checkpoint);
  return restored.kind === "failed" ? lost(restored.problem) : { kind: "set-back", commit: checkpoint.head };
}

/** A prompt that says what became of the workspace since the agent last saw it. */
export function withSetBackNote(prompt: string, { continuesTurn: turn }: StartJobRequest): string {
  if (turn === 0) return prompt;
  const back = `The workspace was set back to where it stood after turn ${turn} of this conversation's last job`;
  return `${back}: what was changed or committed after that turn is undone. Read files again before you rely on them.\n\n${prompt}`;
}
