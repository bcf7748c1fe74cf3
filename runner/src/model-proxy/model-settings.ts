/** What the operator configured about models. */
export interface ModelSettings {
  /** ANTHROPIC_API_KEY; absent when there is none, and then no agent can run. */
  readonly apiKey?: string;
  /** ANTHROPIC_BASE_URL, or the vendor's address. */
  readonly baseUrl: string;
  /** How long the provider may keep silent in the middle of a request, MODEL_TIMEOUT_MS. */
  readonly silenceMs: number;
  /** What all jobs of the runner may spend in a day of UTC, DAY_BUDGET_USD; 0 for no limit. */
  readonly dayBudgetMicros: number;
}
