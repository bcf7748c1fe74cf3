import type { LineRange } from "./far-log.ts";
import type { LogActions } from "./log-actions.ts";

/** What the whole viewer of a log has and the compact one has not. */
export interface WholeLog {
  /** Address of the page of this log, without a fragment. */
  readonly path: string;
  /** Lines that the address names. */
  readonly chosen: LineRange | undefined;
  /** Names lines in the address, by a fragment. */
  readonly choose: (hash: string) => void;
  readonly actions: LogActions | undefined;
  /** Tells assistive technology, when there is time. */
  readonly say: (text: string) => void;
}
