import { useSignal } from "@preact/signals";
import { type BudgetAsk, BudgetScope } from "#gen/job/v1/ask_pb.js";
import { parseDollars } from "../ui/dollars.ts";
import { costText } from "../ui/time-text.ts";
import { type AskFormProps, AskFrame } from "./ask-frame.tsx";
import { useSettled } from "./use-settled.ts";

/** Asks whether a spent budget shall be raised, or the job end. */
export function BudgetForm({ ask, job, question, attempt, decide }: AskFormProps<BudgetAsk>) {
  const typed = useSignal("");
  const isReady = useSettled(ask.id) && attempt?.kind !== "sending";
  const limitMicros = parseDollars(typed.value);
  const isEnough = limitMicros !== undefined && limitMicros > question.spentMicros;
  const whose = question.scope === BudgetScope.DAY ? "of all jobs of this runner today" : "of this job";
  return (
    <AskFrame ask={ask} job={job} attempt={attempt}>
      <p class="ask-why num">
        {costText(Number(question.spentMicros))} spent; the limit {whose} is {costText(Number(question.limitMicros))}.
        {question.scope === BudgetScope.DAY && " Raising it raises it for this job alone."}
      </p>
      <div class="ask-actions">
        <label class="field ask-raise">
          <span class="field-label">New limit in $</span>
          <input
            inputMode="decimal"
            autocomplete="off"
            value={typed.value}
            aria-invalid={typed.value !== "" && !isEnough}
            onInput={(event) => {
              typed.value = event.currentTarget.value;
            }}
          />
        </label>
        <button
          type="button"
          class="button primary"
          disabled={!isReady || !isEnough}
          onClick={() => limitMicros !== undefined && void decide(ask, { case: "raiseBudget", value: { limitMicros } })}
        >
          {isEnough ? `Raise to ${costText(Number(limitMicros))}` : "Raise"}
        </button>
        <button
          type="button"
          class="button"
          disabled={!isReady}
          onClick={() => void decide(ask, { case: "deny", value: {} })}
        >
          End the job
        </button>
      </div>
    </AskFrame>
  );
}
