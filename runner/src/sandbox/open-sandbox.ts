import { Bubblewrap } from "./bubblewrap.ts";
import { jobGroupName } from "./cgroup-directories.ts";
import type { Cgroups } from "./cgroups.ts";
import { type JobBounds, JobCgroup } from "./job-cgroup.ts";
import { NetworkNamespace } from "./network-namespace.ts";
import { noSandbox } from "./none.ts";
import type { BoxUser, Sandbox } from "./sandbox.ts";

/** How the operator wants jobs confined. */
export type SandboxSettings =
  | { readonly kind: "none" }
  | {
      readonly kind: "bubblewrap";
      /** JOB_UID_BASE: the first of the user ids that are nobody's but jobs', when the runner is root. */
      readonly uidBase: number;
      /** JOB_READABLE: absolute paths that every job may read besides the system's programs. */
      readonly readable: readonly string[];
      /** What the processes of a job may use together, where the machine can bound that. */
      readonly bounds: JobBounds;
    };

/** What a process has to run the commands of its jobs, one job at a time. */
export interface OpenedSandbox {
  readonly sandbox: Sandbox;
  /** Confines git that talks to hosts, with credentials that no job may see. It finds the machine's network. */
  readonly fetcher: Sandbox;
  /** The network that commands find; undefined when it is the machine's own. */
  readonly network: NetworkNamespace | undefined;
  /** What all commands are in, the fetcher's too; undefined where nothing bounds them together. */
  readonly cgroup: JobCgroup | undefined;
}

/** Makes what confines the commands of this process's jobs. Throws what the system said when it cannot be made. */
export async function openSandbox(settings: SandboxSettings, cgroups: Cgroups): Promise<OpenedSandbox> {
  if (settings.kind === "none") {
    return { sandbox: noSandbox, fetcher: noSandbox, network: undefined, cgroup: undefined };
  }
  const { uidBase, readable, bounds } = settings;
  const [network, cgroup] = await Promise.all([
    NetworkNamespace.open(),
    JobCgroup.open(cgroups, jobGroupName(process.pid), bounds),
  ]);
  const usual = { readable, prefix: cgroup?.joining ?? [], without: [] };
  const sandbox = new Bubblewrap({ ...usual, user: jobUser(uidBase), network });
  const fetcher = new Bubblewrap({ ...usual, user: fetchUser(uidBase), network: "machine" });
  return { sandbox, fetcher, network, cgroup };
}

/** Above the user ids of people, services and containers. */
export const defaultUidBase = 1_900_000_000;

/** How many user ids jobs may take, from the first on: as many as there are process ids, and one. */
export const jobUserCount = 2 ** 22 + 1;

/**
 * The user of this process's jobs: of all that confine jobs at the same time, nobody else has its process id. Undefined when
 * this process is not root, and so cannot be another.
 */
export function jobUser(uidBase: number): BoxUser | undefined {
  return ownUser(uidBase + process.pid);
}

/** The user that fetches and pushes, with credentials that no job may see; undefined as with `jobUser`. */
export function fetchUser(uidBase: number): BoxUser | undefined {
  return ownUser(uidBase);
}

function ownUser(id: number): BoxUser | undefined {
  return process.getuid?.() === 0 ? { uid: id, gid: id } : undefined;
}
