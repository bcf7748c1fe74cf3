/** Counts the model's turns of a session against its limit; Claude Code itself counts anew with each prompt. */
export class TurnLimit {
  #left: number;

  /** 0 is no limit. */
  constructor(maxTurns: number) {
    this.#left = maxTurns === 0 ? Number.POSITIVE_INFINITY : maxTurns;
  }

  /** True when the model may not be asked again. */
  get isReached(): boolean {
    return this.#left <= 0;
  }

  /** The model has had a turn. */
  spend(): void {
    this.#left -= 1;
  }
}
