import { PermissionMode } from "#gen/job/v1/job_pb.js";

/** The modes an agent can work in, from the one that allows least. */
export const permissionModes: readonly (readonly [mode: PermissionMode, title: string])[] = [
  [PermissionMode.PLAN, "plan only"],
  [PermissionMode.ASK, "ask"],
  [PermissionMode.ACCEPT_EDITS, "accept edits"],
  [PermissionMode.BYPASS, "never ask"],
];

/** The name of a mode; one that is not set is "ask". */
export function modeTitle(mode: PermissionMode): string {
  return permissionModes[rankOf(mode)]?.[1] ?? "unknown";
}

/** True when the agent may do more unasked in one mode than in the other. */
export function isLooser(next: PermissionMode, now: PermissionMode): boolean {
  return rankOf(next) > rankOf(now);
}

function rankOf(mode: PermissionMode): number {
  const settled = mode === PermissionMode.UNSPECIFIED ? PermissionMode.ASK : mode;
  return permissionModes.findIndex(([known]) => known === settled);
}
