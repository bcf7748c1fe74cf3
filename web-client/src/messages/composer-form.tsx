import { type Job, JobState } from "#gen/job/v1/job_pb.js";
import { isFinal } from "../jobs/job-state.ts";
import type { Composer } from "./composer.ts";
import { QueuedMessage } from "./queued-message.tsx";

/** Messages for a job's agent: those that still wait, and the text box for the next. Enter is a new line, Ctrl+Enter sends. */
export function ComposerForm({ job, composer }: { readonly job: Job; readonly composer: Composer }) {
  const text = composer.drafts.read(job.id);
  const state = job.status?.state ?? JobState.UNSPECIFIED;
  const isOver = isFinal(state);
  const isBlocked = composer.isSending.value || !text.trim();
  const send = (interrupt: boolean) => void composer.send(job, { interrupt });
  return (
    <section class="composer" aria-label={isOver ? "Continue" : "Message to the agent"}>
      {composer.queued(job.id).map((message) => (
        <QueuedMessage key={message.id} jobId={job.id} message={message} composer={composer} />
      ))}
      {composer.failure.value && <p class="refusal">{composer.failure.value}</p>}
      <div class="composer-row">
        <label class="visually-hidden" for="composer-text">
          {isOver ? "Prompt to continue with" : "Message"}
        </label>
        <textarea
          id="composer-text"
          class="composer-text"
          rows={Math.min(8, Math.max(1, text.split("\n").length))}
          value={text}
          placeholder={isOver ? "Continue this session with …" : "Tell the agent …"}
          onInput={(event) => composer.drafts.write(job.id, event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              send(false);
            }
            if (event.key === "ArrowUp" && !text) {
              event.preventDefault();
              composer.recall(job.id);
            }
          }}
        />
        <button type="button" class="button primary" disabled={isBlocked} onClick={() => send(false)}>
          {isOver ? "Continue" : "Send"}{" "}
          <span class="keycap" aria-hidden="true">
            Ctrl ↵
          </span>
        </button>
        {!isOver && state !== JobState.PENDING && (
          <button type="button" class="button" disabled={isBlocked} onClick={() => send(true)}>
            Interrupt and send
          </button>
        )}
      </div>
      <p class="composer-note">{notes[isOver ? "over" : state === JobState.PENDING ? "pending" : "running"]}</p>
    </section>
  );
}

const notes = {
  running: "Sent after this step; Interrupt stops the step for it.",
  pending: "The agent gets it when it starts.",
  over: "A new job goes on with this session and workspace, on the runner that has them.",
};
