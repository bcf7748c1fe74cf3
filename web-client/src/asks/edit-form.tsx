import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { editInput } from "./input-edit.ts";

/** Takes another input for the tool. Enter writes a new line; only the button allows. */
export function EditForm(props: {
  readonly inputJson: string;
  readonly mayAllow: boolean;
  readonly onAllow: (inputJson: string) => void;
  readonly onBack: () => void;
}) {
  const edit = editInput(props.inputJson);
  const text = useSignal(edit.text);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  const inputJson = edit.toJson(text.value);
  return (
    <div class="ask-more">
      <label>
        <span class="field-label">{edit.title}</span>
        <textarea
          ref={field}
          class="mono"
          rows={Math.min(12, Math.max(2, text.value.split("\n").length))}
          spellcheck={false}
          value={text.value}
          aria-invalid={inputJson === undefined}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
      </label>
      {inputJson === undefined && <p class="refusal">This is no input: a command, or a JSON object, is needed.</p>}
      <div class="ask-actions">
        <button
          type="button"
          class="button primary"
          disabled={!props.mayAllow || inputJson === undefined}
          onClick={() => inputJson !== undefined && props.onAllow(inputJson)}
        >
          Allow with this input
        </button>
        <button type="button" class="button" onClick={props.onBack}>
          Back
        </button>
      </div>
    </div>
  );
}
