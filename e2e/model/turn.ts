/** What the model says to one request: an answer, perhaps a disturbed one, a refusal, or nothing at all. */
export type Turn = Answer | Refusal | Silence;

/** A message of the model, streamed or whole as the request asks. */
export interface Answer {
  readonly kind: "answer";
  readonly blocks: readonly Block[];
  readonly stopReason: StopReason;
  readonly usage: Usage;
  /** Waited before each stream event; 0 sends them as fast as the socket takes them. */
  readonly eventGapMs: number;
  readonly disturbance: Disturbance;
}

/** An HTTP error with the API's error body. */
export interface Refusal {
  readonly kind: "refusal";
  readonly status: number;
  readonly errorType: string;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The request is taken and never answered, until the caller or the test closes the connection. */
export interface Silence {
  readonly kind: "silence";
}

/** One block of an answer. A tool use without an id is given the next one of its model. */
export type Block =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "thinking"; readonly text: string }
  | { readonly kind: "tool_use"; readonly name: string; readonly input: object; readonly id: string | undefined };

/** Why the model stopped, in the API's words. */
export type StopReason = "end_turn" | "tool_use" | "max_tokens" | "stop_sequence" | "refusal" | "pause_turn";

/** The tokens one answer costs. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** How much of that is written for an hour; none by default. */
  readonly hourCacheWriteTokens?: number;
}

/**
 * What goes wrong, or waits, in the middle of a stream, after so many of its events. A caller may lose what it had not yet
 * read when the stream is cut, so a cut waits until the test knows that the events have arrived.
 */
export type Disturbance =
  | { readonly kind: "none" }
  | { readonly kind: "hold"; readonly afterEvents: number; readonly until: Promise<unknown> }
  | { readonly kind: "cut"; readonly afterEvents: number; readonly until: Promise<unknown> }
  | { readonly kind: "garble"; readonly afterEvents: number }
  | { readonly kind: "error"; readonly afterEvents: number; readonly errorType: string };

/** What most answers cost, so that tests can count with round numbers. */
export const usualUsage: Usage = { inputTokens: 1000, outputTokens: 100, cacheReadTokens: 0, cacheWriteTokens: 0 };

/** An answer of the given blocks; it stops for its tools if it has any. */
export function answer(blocks: readonly Block[], chosen: Partial<Omit<Answer, "kind" | "blocks">> = {}): Answer {
  const usesTools = blocks.some((block) => block.kind === "tool_use");
  return {
    kind: "answer",
    blocks,
    stopReason: usesTools ? "tool_use" : "end_turn",
    usage: usualUsage,
    eventGapMs: 0,
    disturbance: { kind: "none" },
    ...chosen,
  };
}

/** A block of plain text. */
export function text(words: string): Block {
  return { kind: "text", text: words };
}

/** A block of thinking. */
export function thinking(words: string): Block {
  return { kind: "thinking", text: words };
}

/** A call of one of the agent's tools. */
export function toolUse(name: string, input: object, id?: string): Block {
  return { kind: "tool_use", name, input, id };
}

/** 429: too many requests, to be asked again after so many seconds. */
export function rateLimited(retryAfterSeconds: number): Refusal {
  return refusal(429, "rate_limit_error", { "retry-after": String(retryAfterSeconds) });
}

/** 529: the API is overloaded. */
export function overloaded(): Refusal {
  return refusal(529, "overloaded_error");
}

/** An HTTP error of the given status. */
export function refusal(status: number, errorType: string, headers: Readonly<Record<string, string>> = {}): Refusal {
  return { kind: "refusal", status, errorType, message: `the script refuses with ${errorType}`, headers };
}

/** No answer, ever. */
export const silence: Silence = { kind: "silence" };
