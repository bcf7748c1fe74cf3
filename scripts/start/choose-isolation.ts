import { join } from "node:path";
import { execa } from "execa";
import type { StartSettings } from "./settings.ts";

/** How jobs are confined, and why they are not though nobody asked for that. */
export interface Isolation {
  readonly kind: string;
  /** One sentence; empty when there is nothing to warn of. */
  readonly warning: string;
}

/** What was asked for, or else the strongest confinement that this machine allows. */
export async function chooseIsolation(
  { isolation }: Pick<StartSettings, "isolation">,
  root: string,
): Promise<Isolation> {
  if (isolation !== undefined) return { kind: isolation, warning: "" };
  const { failed, stdout, stderr } = await execa(process.execPath, [join(root, "runner/src/check-walls.ts")], {
    reject: false,
    timeout: checkMs,
  });
  return failed ? { kind: "none", warning: stdout || stderr.slice(-500) } : { kind: "bubblewrap", warning: "" };
}

const checkMs = 30_000;
