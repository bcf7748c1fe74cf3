/** What a Job's model requests took together. Pure. */
import { create } from "@bufbuild/protobuf";
import type { AgentUsage } from "#gen/job/v1/job_event_pb.js";
import { type Job, type ModelUsage, ModelUsageSchema, type Usage, UsageSchema } from "#gen/job/v1/job_pb.js";

/** The usage of a Job with one more request in it. */
export function addRequest(
  { usage, usageByModel }: Pick<Job, "usage" | "usageByModel">,
  { model, usage: request }: AgentUsage,
): Pick<Job, "usageByModel"> & { readonly usage: Usage } {
  const known = usageByModel.find((one) => one.model === model)?.usage;
  const changed = create(ModelUsageSchema, { model, usage: sumUsage([known, request]) });
  const byModel = [...usageByModel.filter((one) => one.model !== model), changed];
  return { usage: sumUsage([usage, request]), usageByModel: byModel.toSorted(dearestFirst) };
}

/** Several usages as one. */
export function sumUsage(usages: readonly (Usage | undefined)[]): Usage {
  return usages.reduce<Usage>(
    (sum, usage) =>
      usage === undefined
        ? sum
        : create(UsageSchema, {
            inputTokens: sum.inputTokens + usage.inputTokens,
            outputTokens: sum.outputTokens + usage.outputTokens,
            cacheReadTokens: sum.cacheReadTokens + usage.cacheReadTokens,
            cacheWriteTokens: sum.cacheWriteTokens + usage.cacheWriteTokens,
            costMicros: sum.costMicros + usage.costMicros,
            requests: sum.requests + usage.requests,
            estimated: sum.estimated || usage.estimated,
          }),
    create(UsageSchema),
  );
}

function dearestFirst(one: ModelUsage, other: ModelUsage): number {
  const difference = (other.usage?.costMicros ?? 0n) - (one.usage?.costMicros ?? 0n);
  return difference === 0n ? one.model.localeCompare(other.model) : Number(difference > 0n) - Number(difference < 0n);
}
