import type { JsonFields } from "./json-fields.ts";
import type { Consumption } from "./prices.ts";

/** What the API has reported of one message so far. */
export interface MessageReport {
  readonly messageId: string;
  /** The model that answers, by its full name. */
  readonly model: string;
  readonly consumption: Consumption;
}

/** Reads a message: a whole one, or the beginning of one that is streamed. */
export function readMessage(message: JsonFields): MessageReport {
  return {
    messageId: message.text("id"),
    model: message.text("model"),
    consumption: readUsage(message.object("usage")),
  };
}

/** Adds what is reported later: counts of one message only grow. */
export function addUsage(report: MessageReport, usage: JsonFields): MessageReport {
  const before = report.consumption;
  const more = readUsage(usage);
  const consumption = {
    inputTokens: Math.max(before.inputTokens, more.inputTokens),
    outputTokens: Math.max(before.outputTokens, more.outputTokens),
    cacheReadTokens: Math.max(before.cacheReadTokens, more.cacheReadTokens),
    cacheWriteTokens: Math.max(before.cacheWriteTokens, more.cacheWriteTokens),
    hourCacheWriteTokens: Math.max(before.hourCacheWriteTokens, more.hourCacheWriteTokens),
    webSearches: Math.max(before.webSearches, more.webSearches),
    isFast: before.isFast || more.isFast,
    isUsOnly: before.isUsOnly || more.isUsOnly,
  };
  return { ...report, consumption };
}

function readUsage(usage: JsonFields): Consumption {
  const cacheWriteTokens = usage.count("cache_creation_input_tokens");
  const hourCacheWriteTokens = usage.object("cache_creation").count("ephemeral_1h_input_tokens");
  return {
    inputTokens: usage.count("input_tokens"),
    outputTokens: usage.count("output_tokens"),
    cacheReadTokens: usage.count("cache_read_input_tokens"),
    cacheWriteTokens,
    hourCacheWriteTokens: Math.min(hourCacheWriteTokens, cacheWriteTokens),
    webSearches: usage.object("server_tool_use").count("web_search_requests"),
    isFast: usage.text("speed") === "fast",
    isUsOnly: usage.text("inference_geo") === "us",
  };
}
