import { useSignal } from "@preact/signals";
import type { PlanAsk } from "#gen/job/v1/ask_pb.js";
import { MarkedText } from "../ui/marked-text.tsx";
import { type AskFormProps, AskFrame } from "./ask-frame.tsx";
import { DenyForm } from "./deny-form.tsx";
import { ReadBox, useHasRead } from "./read-box.tsx";
import { useSettled } from "./use-settled.ts";

/** Asks for consent to a plan, whose Markdown is shown as it was written. */
export function PlanForm({ ask, job, question, attempt, decide }: AskFormProps<PlanAsk>) {
  const isCommenting = useSignal(false);
  const parts = [{ text: question.plan }];
  const hasRead = useHasRead(parts);
  const isReady = useSettled(`${ask.id} ${isCommenting.value}`) && attempt?.kind !== "sending";
  const allow = () => isReady && hasRead.value && void decide(ask, { case: "allow", value: {} });
  const deny = (message = "") => isReady && void decide(ask, { case: "deny", value: { message } });
  return (
    <AskFrame ask={ask} job={job} attempt={attempt} onYes={allow} onNo={() => deny()}>
      <ReadBox label="Plan" parts={parts} hasRead={hasRead}>
        <p class="prose">
          <MarkedText text={question.plan} />
        </p>
      </ReadBox>
      {isCommenting.value ? (
        <DenyForm
          title="Keep planning with this message"
          isReady={isReady}
          onDeny={deny}
          onBack={() => {
            isCommenting.value = false;
          }}
        />
      ) : (
        <div class="ask-actions">
          <button type="button" class="button primary" disabled={!isReady || !hasRead.value} onClick={allow}>
            Approve the plan
          </button>
          <button type="button" class="button" disabled={!isReady} onClick={() => deny()}>
            Keep planning
          </button>
          <button
            type="button"
            class="button"
            disabled={!isReady}
            onClick={() => {
              isCommenting.value = true;
            }}
          >
            Keep planning with message …
          </button>
        </div>
      )}
    </AskFrame>
  );
}
