import type { MessageInitShape } from "@bufbuild/protobuf";
import type { UsageSchema } from "#gen/job/v1/job_pb.js";
import type { JsonObject } from "../json-object.ts";

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
