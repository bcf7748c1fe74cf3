import { useSignal } from "@preact/signals";
import type { Message } from "#gen/job/v1/job_event_pb.js";
import { MarkedText } from "../ui/marked-text.tsx";
import type { Composer } from "./composer.ts";

/** A message that the agent has not taken yet; until then it can be changed or withdrawn. */
export function QueuedMessage(props: {
  readonly jobId: string;
  readonly message: Message;
  readonly composer: Composer;
}) {
  const { jobId, message, composer } = props;
  const changed = useSignal<string | undefined>(undefined);
  const text = changed.value;
  const isBusy = composer.isSending.value;
  if (text !== undefined) {
    return (
      <div class="queued">
        <textarea
          aria-label="Changed message"
          rows={Math.min(6, text.split("\n").length)}
          value={text}
          onInput={(event) => {
            changed.value = event.currentTarget.value;
          }}
        />
        <button
          type="button"
          class="button small"
          disabled={isBusy || !text.trim()}
          onClick={async () => {
            await composer.change(jobId, message.id, text);
            changed.value = undefined;
          }}
        >
          Save
        </button>
        <button
          type="button"
          class="button small"
          onClick={() => {
            changed.value = undefined;
          }}
        >
          Back
        </button>
      </div>
    );
  }
  return (
    <div class="queued">
      <p class="prose">
        <MarkedText text={message.text} />
      </p>
      <span class="queued-when">{message.interrupt ? "interrupts this step" : "sent after this step"}</span>
      <button
        type="button"
        class="button small"
        disabled={isBusy}
        onClick={() => {
          changed.value = message.text;
        }}
      >
        Edit
      </button>
      <button
        type="button"
        class="button small"
        disabled={isBusy}
        onClick={() => void composer.withdraw(jobId, message.id)}
      >
        Withdraw
      </button>
    </div>
  );
}
