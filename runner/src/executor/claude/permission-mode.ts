import { PermissionMode } from "#gen/job/v1/job_pb.js";

/** What Claude Code calls a permission mode. */
export function cliModeName(mode: PermissionMode): string {
  switch (mode) {
    case PermissionMode.UNSPECIFIED:
    case PermissionMode.ASK:
      return "default";
    case PermissionMode.ACCEPT_EDITS:
      return "acceptEdits";
    case PermissionMode.PLAN:
      return "plan";
    case PermissionMode.BYPASS:
      return "bypassPermissions";
  }
}

/** The permission mode that Claude Code calls so; UNSPECIFIED for one that has no name here. */
export function parseCliMode(name: string): PermissionMode {
  return modesByName.get(name) ?? PermissionMode.UNSPECIFIED;
}

const modesByName = new Map(
  [PermissionMode.ASK, PermissionMode.ACCEPT_EDITS, PermissionMode.PLAN, PermissionMode.BYPASS].map(
    (mode) => [cliModeName(mode), mode] as const,
  ),
);
