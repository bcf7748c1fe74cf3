import { PermissionMode } from "#gen/job/v1/job_pb.js";

/** True when an agent may do more in one mode than in the other. */
export function isLooser(mode: PermissionMode, than: PermissionMode): boolean {
  return freedom[mode] > freedom[than];
}

const freedom: Readonly<Record<PermissionMode, number>> = {
  [PermissionMode.PLAN]: 0,
  [PermissionMode.UNSPECIFIED]: 1,
  [PermissionMode.ASK]: 1,
  [PermissionMode.ACCEPT_EDITS]: 2,
  [PermissionMode.BYPASS]: 3,
};
