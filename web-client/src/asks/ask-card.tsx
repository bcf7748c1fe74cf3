import type { Ask } from "#gen/job/v1/ask_pb.js";
import type { Job } from "#gen/job/v1/job_pb.js";
import { AskFrame } from "./ask-frame.tsx";
import { BudgetForm } from "./budget-form.tsx";
import type { Deciding } from "./deciding.ts";
import { PermissionForm } from "./permission-form.tsx";
import { PlanForm } from "./plan-form.tsx";
import { QuestionForm } from "./question-form.tsx";

/** An ask as a card that says who asks for what and takes the answer. Nothing in it decides by itself. */
export function AskCard(props: { readonly ask: Ask; readonly job: Job | undefined; readonly deciding: Deciding }) {
  const { ask, job, deciding } = props;
  const common = { ask, job, attempt: deciding.attempts.value.get(ask.id), decide: deciding.decide };
  const { question } = ask;
  switch (question.case) {
    case "permission":
      return <PermissionForm {...common} question={question.value} />;
    case "questions":
      return <QuestionForm {...common} question={question.value} />;
    case "plan":
      return <PlanForm {...common} question={question.value} />;
    case "budget":
      return <BudgetForm {...common} question={question.value} />;
    case undefined:
      return (
        <AskFrame {...common}>
          <p class="ask-why">Reload the page to answer it.</p>
        </AskFrame>
      );
  }
}
