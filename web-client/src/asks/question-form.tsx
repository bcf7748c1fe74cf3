import { useSignal } from "@preact/signals";
import type { Question, QuestionAsk } from "#gen/job/v1/ask_pb.js";
import { MarkedText } from "../ui/marked-text.tsx";
import { type AnswerDraft, answersOf, blankAnswers, withChoice, withText } from "./answer-draft.ts";
import { type AskFormProps, AskFrame } from "./ask-frame.tsx";
import { DenyForm } from "./deny-form.tsx";
import { useSettled } from "./use-settled.ts";

/** A form of questions. Only its button answers, and only once every question has an answer. */
export function QuestionForm({ ask, job, question, attempt, decide }: AskFormProps<QuestionAsk>) {
  const { questions } = question;
  const draft = useSignal<AnswerDraft>(blankAnswers(questions));
  const isRefusing = useSignal(false);
  const isReady = useSettled(`${ask.id} ${isRefusing.value}`) && attempt?.kind !== "sending";
  const answers = answersOf(questions, draft.value);
  return (
    <AskFrame ask={ask} job={job} attempt={attempt}>
      <div class="ask-questions">
        {questions.map((one, at) => (
          <QuestionField
            key={at}
            name={`${ask.id}-${at}`}
            question={one}
            entry={draft.value[at]}
            onChoice={(label, isTaken) => {
              draft.value = withChoice(draft.value, { at, label, isTaken, isMultiple: one.multiple });
            }}
            onText={(text) => {
              draft.value = withText(draft.value, at, text);
            }}
          />
        ))}
      </div>
      {isRefusing.value ? (
        <DenyForm
          title="Refuse with this message"
          isReady={isReady}
          onDeny={(message) => void decide(ask, { case: "deny", value: { message } })}
          onBack={() => {
            isRefusing.value = false;
          }}
        />
      ) : (
        <div class="ask-actions">
          <button
            type="button"
            class="button primary"
            disabled={!isReady || !answers}
            onClick={() => answers && void decide(ask, { case: "answers", value: { answers } })}
          >
            {questions.length === 1 ? "Send the answer" : "Send the answers"}
          </button>
          <button
            type="button"
            class="button"
            disabled={!isReady}
            onClick={() => {
              isRefusing.value = true;
            }}
          >
            Refuse to answer …
          </button>
        </div>
      )}
    </AskFrame>
  );
}

function QuestionField(props: {
  readonly name: string;
  readonly question: Question;
  readonly entry: AnswerDraft[number] | undefined;
  readonly onChoice: (label: string, isTaken: boolean) => void;
  readonly onText: (text: string) => void;
}) {
  const { name, question, entry } = props;
  return (
    <fieldset class="ask-question">
      <legend>
        {question.header && (
          <span class="ask-question-head">
            <MarkedText text={question.header} />
          </span>
        )}
        <MarkedText text={question.text} />
        {question.multiple && <span class="ask-question-hint"> Several can be taken.</span>}
      </legend>
      {question.choices.map(({ label, description }) => (
        <label key={label} class="ask-choice">
          <input
            type={question.multiple ? "checkbox" : "radio"}
            name={name}
            checked={entry?.taken.includes(label) ?? false}
            onChange={(event) => props.onChoice(label, event.currentTarget.checked)}
          />
          <span>
            <MarkedText text={label} />
            {description && (
              <span class="ask-choice-why">
                <MarkedText text={description} />
              </span>
            )}
          </span>
        </label>
      ))}
      <label class="ask-own">
        <span class="field-label">{question.choices.length > 0 ? "Or in your own words" : "Your answer"}</span>
        <textarea rows={1} value={entry?.text ?? ""} onInput={(event) => props.onText(event.currentTarget.value)} />
      </label>
    </fieldset>
  );
}
