import { durationMs } from "@bufbuild/protobuf/wkt";
import type { JobSpec } from "#gen/job/v1/job_pb.js";

/** Limits of a job in ms; undefined means none. */
export interface JobLimitsMs {
  readonly wallMs: number;
  readonly idleMs: number | undefined;
  /** How long the gateway leaves an ask open. */
  readonly askMs: number;
}

/** Between SIGTERM and SIGKILL when a limit stops a job. */
export const limitGraceMs = 10_000;

/** What a job asks for, or the default of its kind; a task's wall limit is the operator's choice. */
export function limitsOf({ work, limits }: Pick<JobSpec, "work" | "limits">, taskWallMs: number): JobLimitsMs {
  const isAgent = work.case === "agent";
  const { wall, idle, ask } = limits ?? {};
  const wallMs = wall === undefined ? (isAgent ? agentWallMs : taskWallMs) : durationMs(wall);
  const idleMs = idle === undefined ? (isAgent ? agentIdleMs : undefined) : durationMs(idle);
  return { wallMs, idleMs, askMs: ask === undefined ? defaultAskMs : durationMs(ask) };
}

/** What collecting a job's artifacts may take, once its work has ended. */
export function collectingMs({ artifacts }: Pick<JobSpec, "artifacts">): number {
  return artifacts.length === 0 ? 0 : 60_000;
}

const agentWallMs = 24 * 3_600_000;
const agentIdleMs = 3_600_000;
const defaultAskMs = 3_600_000;
