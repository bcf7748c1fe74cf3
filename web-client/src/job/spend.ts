import type { Job } from "#gen/job/v1/job_pb.js";
import { costText, countText } from "../ui/time-text.ts";

const warnPercent = 80;

/** What a job took, in words. */
export interface Spend {
  readonly text: string;
  /** How much of its budget is spent; undefined without one. */
  readonly budget:
    | { readonly percent: number; readonly text: string; readonly tone: "run" | "warn" | "bad" }
    | undefined;
}

/** Tokens, cost and budget of a job as the gateway counts them. */
export function spendOf({ usage, usageByModel, budgetMicros }: Job): Spend {
  const spentMicros = Number(usage?.costMicros ?? 0n);
  return {
    text: usage
      ? [
          usageByModel.map(({ model }) => model).join(", "),
          `${countText(Number(usage.inputTokens))} in`,
          `${countText(Number(usage.outputTokens))} out`,
          `${countText(Number(usage.cacheReadTokens + usage.cacheWriteTokens))} cache`,
          `${costText(spentMicros)}${usage.estimated ? " est." : ""}`,
        ]
          .filter(Boolean)
          .join(" · ")
      : "No tokens yet",
    budget: budgetMicros > 0n ? budgetOf(spentMicros, Number(budgetMicros)) : undefined,
  };
}

function budgetOf(spentMicros: number, limitMicros: number): Spend["budget"] {
  const percent = Math.min(100, Math.floor((spentMicros / limitMicros) * 100));
  const tone = percent >= 100 ? "bad" : percent >= warnPercent ? "warn" : "run";
  return { percent, tone, text: `${costText(spentMicros)} of ${costText(limitMicros)} budget` };
}
