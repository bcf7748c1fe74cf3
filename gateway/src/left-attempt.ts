/** An attempt of a deleted Job whose runner could not be told to forget it. */
export interface LeftAttempt {
  /** Name of the runner. */
  readonly runner: string;
  readonly attempt: number;
}
