import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Job, JobSpec } from "#gen/job/v1/job_pb.js";
import { clock } from "../ui/clock.ts";
import { MarkedText } from "../ui/marked-text.tsx";
import { agoText } from "../ui/time-text.ts";
import type { JobList } from "./job-list.ts";
import { isFinal } from "./job-state.ts";
import { jobTitle, placementText, specTitle, workerName } from "./job-words.ts";
import { walkRows } from "./row-keys.ts";
import type { Selection } from "./selection.ts";
import { StateGlyph, StateWord } from "./state-glyph.tsx";
import { exitText, statusSentence } from "./status-sentence.ts";

const shown = 50;

/** The newest jobs, the one that is being created before them. */
export function JobRows(props: {
  readonly list: JobList;
  readonly sending: JobSpec | undefined;
  readonly selectedId: string | undefined;
  readonly selection: Selection;
}) {
  const { list, sending, selection } = props;
  if (!list.loaded) return <JobRowsSkeleton />;
  if (list.jobs.length === 0 && !sending) return <p class="empty">No jobs yet. The first one starts under New.</p>;
  return (
    <ol class="job-rows" aria-label="Newest jobs" onKeyDown={(event) => walkRows(event, selection.add)}>
      {sending && (
        <li class="job-row is-sending" key="sending">
          <span class="glyph tone-off" aria-hidden="true">
            ◌
          </span>
          <span class="job-row-title">
            <MarkedText text={specTitle(sending)} />
          </span>
          <span class="job-row-why">being sent</span>
        </li>
      )}
      {list.jobs.slice(0, shown).map((job) => (
        <JobRow key={job.id} job={job} isSelected={job.id === props.selectedId} selection={selection} />
      ))}
      {list.jobs.length > shown && (
        <li>
          <a class="job-row" href="/jobs">
            ⋯ all
          </a>
        </li>
      )}
    </ol>
  );
}

/** One job as a row, which can be picked. */
export function JobRow(props: { readonly job: Job; readonly isSelected: boolean; readonly selection: Selection }) {
  const { job, isSelected, selection } = props;
  const isPicked = selection.ids.value.has(job.id);
  const state = job.status?.state;
  const why = state && isFinal(state) ? exitText(job) : placementText(job) || statusSentence(job);
  return (
    <li class="job-item">
      <input
        type="checkbox"
        class="job-pick"
        aria-label={`Select ${jobTitle(job)}`}
        checked={isPicked}
        onChange={() => selection.toggle(job.id)}
      />
      <a class="job-row" href={`/jobs/${job.id}`} data-job={job.id} aria-current={isSelected ? "true" : undefined}>
        <StateGlyph status={job.status} />
        <span class="job-row-title">
          <MarkedText text={jobTitle(job)} />
        </span>
        <StateWord status={job.status} />
        <span class="job-row-why">{why}</span>
        <span class="job-row-worker">{workerName(job.spec)}</span>
        <CreatedAgo job={job} />
      </a>
    </li>
  );
}

function CreatedAgo({ job }: { readonly job: Job }) {
  if (!job.createTime) return null;
  return <span class="job-row-ago num">{agoText(clock.value - timestampMs(job.createTime))}</span>;
}

function JobRowsSkeleton() {
  return (
    <div class="skeleton" aria-busy="true">
      <span class="visually-hidden">Loading jobs</span>
      <i />
      <i />
      <i />
    </div>
  );
}
