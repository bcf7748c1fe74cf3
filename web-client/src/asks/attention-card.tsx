import type { ReadonlySignal } from "@preact/signals";
import type { Runner } from "#gen/fleet/v1/runner_pb.js";
import type { Ask } from "#gen/job/v1/ask_pb.js";
import type { Job } from "#gen/job/v1/job_pb.js";
import { jobTitle } from "../jobs/job-words.ts";
import { StateGlyph } from "../jobs/state-glyph.tsx";
import { exitText } from "../jobs/status-sentence.ts";
import { clock } from "../ui/clock.ts";
import { MarkedText } from "../ui/marked-text.tsx";
import type { AskStore } from "./ask-store.ts";
import { askSummary, askTitle, timeLeftText } from "./ask-words.ts";

/** Everything that waits for a person, over all jobs, the oldest first. */
export function AttentionCard(props: {
  readonly asks: AskStore;
  /** What needs a person beside asks. */
  readonly attention: {
    readonly failed: ReadonlySignal<readonly Job[]>;
    readonly offline: ReadonlySignal<readonly Runner[]>;
    readonly markSeen: (jobId: string) => void;
  };
  readonly findJob: (id: string) => Job | undefined;
  readonly onReview: (ask: Ask) => void;
}) {
  const { asks, attention, findJob, onReview } = props;
  const waiting = asks.open.value;
  const failed = attention.failed.value;
  const offline = attention.offline.value;
  const isCalm = waiting.length + failed.length + offline.length === 0;
  return (
    <>
      {asks.failure.value && <p class="refusal">The asks could not be read. {asks.failure.value}</p>}
      {isCalm && !asks.failure.value && <p class="empty">Nothing needs you.</p>}
      <ol class="attention">
        {waiting.map((ask) => (
          <AttentionRow key={ask.id} ask={ask} job={findJob(ask.jobId)} onReview={() => onReview(ask)} />
        ))}
        {offline.map(({ name }) => (
          <li key={name} class="attention-row">
            <p class="attention-job">
              <span class="glyph tone-bad" aria-hidden="true">
                ○
              </span>
              <a href={`/runners/${name}`}>{name}</a> is offline
            </p>
          </li>
        ))}
        {failed.map((job) => (
          <FailedRow key={job.id} job={job} onSeen={() => attention.markSeen(job.id)} />
        ))}
      </ol>
    </>
  );
}

function FailedRow({ job, onSeen }: { readonly job: Job; readonly onSeen: () => void }) {
  return (
    <li class="attention-row">
      <p class="attention-job">
        <StateGlyph status={job.status} />
        <a href={`/jobs/${job.id}`}>
          <MarkedText text={jobTitle(job)} />
        </a>{" "}
        {exitText(job)}
      </p>
      <p class="attention-foot">
        <a class="button small" href={`/jobs/${job.id}/log`}>
          Open log
        </a>
        <button type="button" class="button small" onClick={onSeen}>
          Dismiss<span class="visually-hidden"> {jobTitle(job)}</span>
        </button>
      </p>
    </li>
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
