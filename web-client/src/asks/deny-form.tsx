import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

/** Takes the words that go with a denial. Enter writes a new line; only the button denies. */
export function DenyForm(props: {
  readonly title: string;
  readonly isReady: boolean;
  readonly onDeny: (message: string) => void;
  readonly onBack: () => void;
}) {
  const message = useSignal("");
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <div class="ask-more">
      <label>
        <span class="field-label">What the agent is told</span>
        <textarea
          ref={field}
          rows={2}
          value={message.value}
          onInput={(event) => {
            message.value = event.currentTarget.value;
          }}
        />
      </label>
      <div class="ask-actions">
        <button
          type="button"
          class="button"
          disabled={!props.isReady || !message.value.trim()}
          onClick={() => props.onDeny(message.value.trim())}
        >
          {props.title}
        </button>
        <button type="button" class="button" onClick={props.onBack}>
          Back
        </button>
      </div>
    </div>
  );
}
