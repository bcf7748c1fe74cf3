import type { MessageInitShape } from "@bufbuild/protobuf";
import type { UsageSchema } from "#gen/job/v1/job_pb.js";
import type { AgentAction } from "../agent-event.ts";
import type { JsonObject } from "../json-object.ts";

/**
 * What one message of the model took, from all that the API reported about it: counts of one message only grow. Its cost
 * is not known.
 */
export function messageUsage(message: {
  messageId: string;
  model: string;
  reports: readonly JsonObject[];
}): AgentAction {
  const { messageId, model, reports } = message;
  const most = (name: string) => toBigInt(Math.max(...reports.map((report) => report.amount(name))));
  const usage = {
    inputTokens: most("input_tokens"),
    outputTokens: most("output_tokens"),
    cacheReadTokens: most("cache_read_input_tokens"),
    cacheWriteTokens: most("cache_creation_input_tokens"),
    requests: 1,
  };
  return { case: "usage", value: { messageId, model, usage } };
}

/** What a session took so far, sub-agents included, as a result line tells it. */
export function sessionUsage(result: JsonObject, requests: number): MessageInitShape<typeof UsageSchema> {
  const models = result.object("modelUsage").children();
  const sum = (name: string) => toBigInt(models.reduce((total, model) => total + model.amount(name), 0));
  return {
    inputTokens: sum("inputTokens"),
    outputTokens: sum("outputTokens"),
    cacheReadTokens: sum("cacheReadInputTokens"),
    cacheWriteTokens: sum("cacheCreationInputTokens"),
    costMicros: toBigInt(result.amount("total_cost_usd") * 1e6),
    requests,
  };
}

function toBigInt(amount: number): bigint {
  return BigInt(Math.round(Math.min(amount, Number.MAX_SAFE_INTEGER)));
}
