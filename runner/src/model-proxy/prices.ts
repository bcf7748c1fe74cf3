/** Tokens of one message, and what else the API charges for. */
export interface Consumption {
  /** Input that no cache served. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  /** Input written to the cache, for 5 minutes or an hour. */
  readonly cacheWriteTokens: number;
  /** How much of that was written for an hour. */
  readonly hourCacheWriteTokens: number;
  readonly webSearches: number;
  /** Served at a model's faster, dearer speed. */
  readonly isFast: boolean;
  /** Served in the United States by request, which costs a tenth more. */
  readonly isUsOnly: boolean;
}

/** What a message costs. */
export interface Cost {
  readonly micros: number;
  /** The model is not in the table, so the dearest price there is was taken. */
  readonly estimated: boolean;
}

/** The cost of a message in millionths of a US dollar, rounded to whole ones. */
export function costOf(model: string, consumption: Consumption): Cost {
  const known = priceOf(model);
  const price = chargedPrice(known ?? dearest, consumption);
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, hourCacheWriteTokens } = consumption;
  const tokens =
    inputTokens * price.input +
    outputTokens * price.output +
    cacheReadTokens * price.cacheRead +
    (cacheWriteTokens - hourCacheWriteTokens) * price.cacheWrite +
    hourCacheWriteTokens * price.hourCacheWrite;
  const micros = (tokens / 1e6 + consumption.webSearches * webSearchMicros) * (consumption.isUsOnly ? usFactor : 1);
  return { micros: Math.round(micros), estimated: known === undefined };
}

/** Micros of a US dollar for a million tokens of each kind. */
interface TokenPrice {
  readonly input: number;
  readonly output: number;
  readonly cacheWrite: number;
  readonly hourCacheWrite: number;
  readonly cacheRead: number;
}

interface ModelPrice extends TokenPrice {
  readonly fast?: TokenPrice;
  /** Holds for prompts of more tokens than `longPrompt`. */
  readonly long?: TokenPrice;
}

/** Of a price in dollars; the cache costs the same share of the input everywhere, but for what is read from it. */
function dollars(input: number, output: number, cacheRead: number): TokenPrice {
  const micros = (amount: number) => Math.round(amount * 1e6);
  return {
    input: micros(input),
    output: micros(output),
    cacheWrite: micros(input * 1.25),
    hourCacheWrite: micros(input * 2),
    cacheRead: micros(cacheRead),
  };
}

const dearest: ModelPrice = dollars(15, 75, 1.5);
const sonnet: ModelPrice = dollars(3, 15, 0.3);
const opus: ModelPrice = dollars(5, 25, 0.5);

/**
 * Prices of 2026-11-22, in dollars for a million tokens: those that Claude Code 2.1.330 counts with (its own model
 * catalog). By the name of the model without its date.
 */
const prices: ReadonlyMap<string, ModelPrice> = new Map([
  ["claude-3-5-haiku", dollars(0.8, 4, 0.08)],
  ["claude-haiku-4-5", dollars(1, 5, 0.1)],
  ["claude-haiku-5-5", { ...dollars(0.1, 0.5, 0.01), long: dollars(0.5, 2.5, 0.05) }],
  ["claude-3-5-sonnet", sonnet],
  ["claude-3-7-sonnet", sonnet],
  ["claude-sonnet-4", sonnet],
  ["claude-sonnet-4-0", sonnet],
  ["claude-sonnet-4-5", sonnet],
  ["claude-sonnet-4-6", sonnet],
  ["claude-sonnet-5", dollars(2, 10, 0.2)],
  ["claude-sonnet-5-5", dollars(2, 10, 0.1)],
  ["claude-opus-4", dearest],
  ["claude-opus-4-0", dearest],
  ["claude-opus-4-1", dearest],
  ["claude-opus-4-5", opus],
  ["claude-opus-4-6", { ...opus, fast: dollars(30, 150, 3) }],
  ["claude-opus-4-7", { ...opus, fast: dollars(30, 150, 3) }],
  ["claude-opus-4-8", { ...opus, fast: dollars(10, 50, 1) }],
  ["claude-opus-5", { ...opus, fast: dollars(10, 50, 1) }],
  ["claude-opus-5-5", { ...dollars(4, 20, 0.2), fast: dollars(8, 40, 0.4) }],
  ["claude-fable-5", dollars(10, 50, 1)],
  ["claude-fable-5-1", dollars(10, 50, 0.25)],
  ["claude-fable-5-2", { ...dollars(8, 40, 0.2), fast: dollars(16, 80, 0.4) }],
  ["claude-mythos-5", dollars(10, 50, 1)],
  ["claude-mythos-5-1", dollars(10, 50, 0.25)],
  ["claude-mythos-5-2", { ...dollars(8, 40, 0.2), fast: dollars(16, 80, 0.4) }],
]);

const webSearchMicros = 10_000;
const usFactor = 1.1;
const longPrompt = 100_000;

function priceOf(model: string): ModelPrice | undefined {
  return prices.get(model.replace(/([-@]\d{8}|-latest)?(\[1m\])?$/, ""));
}

function chargedPrice(price: ModelPrice, consumption: Consumption): TokenPrice {
  const { inputTokens, cacheReadTokens, cacheWriteTokens } = consumption;
  if (consumption.isFast) return price.fast ?? price;
  return inputTokens + cacheReadTokens + cacheWriteTokens > longPrompt ? (price.long ?? price) : price;
}
