import type { WorkspaceSettings } from "../src/workspace/workspace.ts";

/** Settings for workspaces as they are when an operator chose nothing. */
export const workspaceSettings: WorkspaceSettings = {
  defaultHost: "github.com",
  allowInsecure: false,
  hosts: { github: { hosts: ["github.com"] }, gitlab: { hosts: ["gitlab.com"] } },
  mirrors: { maxBytes: 1 << 30, keepMs: 86_400_000 },
  pool: { maxKept: 2, keepMs: 86_400_000 },
};
