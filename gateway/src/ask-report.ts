import type { Ask, AskRule } from "#gen/job/v1/ask_pb.js";

/** What a Job tells the fleet about its asks. */
export interface AskReport {
  readonly jobId: string;
  readonly repoRef: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Those that are new or changed, as they stand. */
  readonly asks: readonly Ask[];
}

/** An open ask and the rule that decides it. */
export interface AskMatch {
  readonly askId: string;
  readonly rule: AskRule;
}
