import type { Ask } from "#gen/job/v1/ask_pb.js";
import type { Job } from "#gen/job/v1/job_pb.js";
import { jobTitle } from "../jobs/job-words.ts";
import { clock } from "../ui/clock.ts";
import { MarkedText } from "../ui/marked-text.tsx";
import type { AskStore } from "./ask-store.ts";
import { askSummary, askTitle, timeLeftText } from "./ask-words.ts";

/** Everything that waits for a person, over all jobs, the oldest first. */
export function AttentionCard(props: {
  readonly asks: AskStore;
  readonly findJob: (id: string) => Job | undefined;
  readonly onReview: (ask: Ask) => void;
}) {
  const { asks, findJob, onReview } = props;
  const waiting = asks.open.value;
  return (
    <>
      {asks.failure.value && <p class="refusal">The asks could not be read. {asks.failure.value}</p>}
      {waiting.length === 0 && !asks.failure.value && <p class="empty">Nothing needs you.</p>}
      <ol class="attention">
        {waiting.map((ask) => (
          <AttentionRow key={ask.id} ask={ask} job={findJob(ask.jobId)} onReview={() => onReview(ask)} />
        ))}
      </ol>
    </>
  );
}

function AttentionRow(props: { readonly ask: Ask; readonly job: Job | undefined; readonly onReview: () => void }) {
  const { ask, job } = props;
  const title = job ? jobTitle(job) : ask.jobId;
  return (
    <li class="attention-row">
      <p class="attention-job">
        <span class="glyph tone-ask" aria-hidden="true">
          ⚑
        </span>
        <a href={`/jobs/${ask.jobId}`}>
          <MarkedText text={title} />
        </a>
      </p>
      <p class="attention-what">
        <MarkedText text={askTitle(ask)} />{" "}
        <span class="mono">
          <MarkedText text={askSummary(ask)} />
        </span>
      </p>
      <p class="attention-foot">
        <button type="button" class="button small" onClick={props.onReview}>
          Review
          <span class="visually-hidden">
            {" "}
            {askTitle(ask)} of {title}
          </span>
        </button>
        <span class="num">{timeLeftText(ask, clock.value)} left</span>
      </p>
    </li>
  );
}
