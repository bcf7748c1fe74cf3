import type { SpawnCommand } from "../process/spawn-command.ts";

/** Walls around the processes of one job. */
export interface Sandbox {
  readonly kind: "none" | "bubblewrap";
  /** Who is behind them; undefined when that is the runner's own user. */
  readonly user: BoxUser | undefined;
  /** What to spawn instead of a command so that it runs behind the walls. */
  confine(command: ConfinedCommand): SpawnCommand;
  /** The same walls around whoever has this directory: what an ended job left is not given away only to be read. */
  forOwnerOf(directory: string): Sandbox;
}

/** A user that commands run as. */
export interface BoxUser {
  readonly uid: number;
  readonly gid: number;
}

/** A command, and all that it may reach. */
export interface ConfinedCommand {
  readonly argv: readonly [string, ...string[]];
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute path of its working directory. */
  readonly directory: string;
  /** Absolute paths that it may write, found inside under the same paths. */
  readonly writable: readonly string[];
  /** Absolute paths that it may read, besides the system's programs. Sockets among them can be connected to. */
  readonly readable: readonly string[];
  /** Which network it finds: none at all, or one where nothing but the job's proxy answers. */
  readonly network: "none" | "proxied";
}
