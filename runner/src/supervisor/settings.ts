import type { ExecutorSettings } from "../executor/executor.ts";
import type { ModelSettings } from "../model-proxy/model-settings.ts";
import type { EgressSettings } from "../sandbox/egress-settings.ts";
import type { Author } from "../workspace/checkpoint.ts";
import type { ArtifactSettings } from "../workspace/collect-artifacts.ts";
import type { WorkspaceSettings } from "../workspace/workspace.ts";
import type { MachineShare } from "./bounds.ts";

/** What the runner's operator configured that concerns a job. Handed to a supervisor in memory, never on disk. */
export interface JobSettings {
  /** PATH of the job's processes. */
  readonly path: string;
  /** Wall limit of a task that names none. */
  readonly taskWallMs: number;
  /** Most output kept, whatever a job asks for. */
  readonly maxLogBytes: number;
  readonly workspace: WorkspaceSettings;
  readonly artifacts: ArtifactSettings;
  /** Who makes the commits that a job does not make itself. */
  readonly gitAuthor: Author;
  readonly executors: ExecutorSettings;
  readonly model: ModelSettings;
  /** What is hidden in all that a job shows. */
  readonly redact: readonly string[];
  readonly egress: EgressSettings;
  readonly share: MachineShare;
}
