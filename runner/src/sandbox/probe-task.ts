import type { WallName } from "./walls.ts";

/** What there is outside that a probe must not get at. */
export interface ProbeTask {
  /** Path of a file. */
  readonly file: string;
  /** The user that it must not be; -1 when it may be the runner's own. */
  readonly forbiddenUid: number;
  readonly process: { readonly pid: number; readonly startTime: number };
  /** Names of the variables that the environment of other processes in the box may hold. */
  readonly variables: readonly string[];
  /** A port of loopback on which somebody listens. */
  readonly port: number;
  /** Namespaces that are shared with nobody, as the runner has them. */
  readonly namespaces: readonly { readonly name: string; readonly id: string }[];
}

/** What a probe got at behind one wall, in words; empty when that held. */
export interface ProbeFinding {
  readonly wall: WallName;
  readonly got: string;
}
