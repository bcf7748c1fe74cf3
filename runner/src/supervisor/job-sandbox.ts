import { EndCause } from "#gen/job/v1/job_pb.js";
import { Unstartable } from "../executor/executor.ts";
import type { Cgroups } from "../sandbox/cgroups.ts";
import { type OpenedSandbox, openSandbox, type SandboxSettings } from "../sandbox/open-sandbox.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";

/** How the jobs of a supervisor are confined, as it is told when it is started. */
export interface Confinement {
  readonly settings: SandboxSettings;
  readonly cgroups: Cgroups;
}

/** What confines this supervisor's jobs. One that cannot be made confines none: whatever needs it says why. */
export async function openJobSandbox(settings: SandboxSettings, cgroups: Cgroups): Promise<OpenedSandbox> {
  try {
    return await openSandbox(settings, cgroups);
  } catch (error) {
    const message = `The job's box could not be built: ${error instanceof Error ? error.message : String(error)}.`;
    process.stderr.write(`${message}\n`);
    const confine = () => {
      throw new Unstartable({ cause: EndCause.UNSTARTABLE, message });
    };
    const sandbox: Sandbox = { kind: settings.kind, user: undefined, confine, forOwnerOf: () => sandbox };
    return { sandbox, fetcher: sandbox, network: undefined, cgroup: undefined };
  }
}
