import { useSignal } from "@preact/signals";
import type { PermissionAsk } from "#gen/job/v1/ask_pb.js";
import { MarkedText } from "../ui/marked-text.tsx";
import { type AskFormProps, AskFrame } from "./ask-frame.tsx";
import type { Verdict } from "./deciding.ts";
import { DenyForm } from "./deny-form.tsx";
import { EditForm } from "./edit-form.tsx";
import { describeInput, type InputPart } from "./input-parts.ts";
import { InputView } from "./input-view.tsx";
import { ReadBox, useHasRead } from "./read-box.tsx";
import { useSettled } from "./use-settled.ts";

/** Asks for consent to one tool call, with everything it would do in view. */
export function PermissionForm({ ask, job, question, attempt, decide }: AskFormProps<PermissionAsk>) {
  const mode = useSignal<"choose" | "deny" | "edit">("choose");
  const parts = withWorkspace(describeInput(question.inputJson), question.workspace);
  const hasRead = useHasRead(parts);
  const isReady = useSettled(`${ask.id} ${mode.value}`) && attempt?.kind !== "sending";
  const mayAllow = isReady && hasRead.value;
  const send = (verdict: Verdict) => void decide(ask, verdict);
  const allow = (rule = "") => mayAllow && send({ case: "allow", value: { rule } });
  const deny = (message = "") => isReady && send({ case: "deny", value: { message } });
  const back = () => {
    mode.value = "choose";
  };
  return (
    <AskFrame ask={ask} job={job} attempt={attempt} onYes={() => allow()} onNo={() => deny()}>
      {question.reason && (
        <p class="ask-why">
          <MarkedText text={question.reason} />
        </p>
      )}
      <ReadBox label="What it would do" parts={parts} hasRead={hasRead}>
        <InputView parts={parts} />
      </ReadBox>
      {mode.value === "choose" && (
        <div class="ask-actions">
          <button type="button" class="button primary" disabled={!mayAllow} onClick={() => allow()}>
            Allow once
          </button>
          {question.suggestedRules.map((rule) => (
            <button key={rule} type="button" class="button" disabled={!mayAllow} onClick={() => allow(rule)}>
              <span>
                Allow like this for this job:{" "}
                <code>
                  <MarkedText text={rule} />
                </code>
              </span>
            </button>
          ))}
          <button type="button" class="button" disabled={!isReady} onClick={() => deny()}>
            Deny
          </button>
          <button type="button" class="button" disabled={!isReady} onClick={() => open("deny")}>
            Deny with message …
          </button>
          <button type="button" class="button" disabled={!isReady} onClick={() => open("edit")}>
            Edit input and allow …
          </button>
        </div>
      )}
      {mode.value === "deny" && (
        <DenyForm title="Deny with this message" isReady={isReady} onDeny={deny} onBack={back} />
      )}
      {mode.value === "edit" && (
        <EditForm
          inputJson={question.inputJson}
          mayAllow={mayAllow}
          onAllow={(inputJson) => mayAllow && send({ case: "allow", value: { inputJson } })}
          onBack={back}
        />
      )}
    </AskFrame>
  );

  function open(next: "deny" | "edit"): void {
    mode.value = next;
  }
}

/** The directory in which the tool would run comes after the command and before the rest. */
function withWorkspace(parts: readonly InputPart[], workspace: string): readonly InputPart[] {
  if (!workspace) return parts;
  const [first, ...rest] = parts;
  return [...(first ? [first] : []), { kind: "path", title: "Working directory", text: workspace }, ...rest];
}
