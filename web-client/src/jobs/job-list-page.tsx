import { useEffect, useMemo } from "preact/hooks";
import type { Job } from "#gen/job/v1/job_pb.js";
import { isEmptyFilter, type JobFilter, jobListPath } from "./job-filter.ts";
import { JobFilterForm } from "./job-filter-form.tsx";
import { newerJob } from "./job-list.ts";
import { JobRow } from "./job-rows.tsx";
import type { JobSearchStore } from "./job-search.ts";
import { walkRows } from "./row-keys.ts";
import type { Selection } from "./selection.ts";

/** The list of all jobs, under the filter of the address. */
export function JobListPage(props: {
  readonly filter: JobFilter;
  readonly search: JobSearchStore;
  /** A job as the live list knows it. */
  readonly findJob: (id: string) => Job | undefined;
  /** Ids of the newest jobs, live. */
  readonly newest: readonly Job[];
  readonly runnerNames: readonly string[];
  readonly selection: Selection;
  readonly go: (path: string, how?: { readonly replace: boolean }) => void;
}) {
  const { filter, search, findJob, selection } = props;
  const path = jobListPath(filter);
  useEffect(() => search.show(filter), [path]);
  const { jobs, nextPageToken, failure } = search.found.value;
  const shown = jobs?.map((job) => {
    const live = findJob(job.id);
    return live ? newerJob(job, live) : job;
  });
  const known = useMemo(() => new Set([...props.newest, ...(jobs ?? [])].map(({ id }) => id)), [jobs]);
  // Whether the filter lets them through, the next reading tells.
  const fresh = jobs && !filter.before ? props.newest.filter(({ id }) => !known.has(id)).length : 0;
  return (
    <section class="sheet" aria-labelledby="jobs-title">
      <header class="sheet-head">
        <h1 id="jobs-title">Jobs</h1>
        {!isEmptyFilter(filter) && (
          <a class="button small" href="/jobs">
            Clear filters
          </a>
        )}
      </header>
      <JobFilterForm
        filter={filter}
        runnerNames={props.runnerNames}
        onChange={(next) => props.go(jobListPath(next), { replace: true })}
      />
      {failure && <p class="refusal">The jobs could not be listed. {failure}</p>}
      {fresh > 0 && (
        <button type="button" class="button small" onClick={() => search.show(filter)}>
          {fresh} new ↑
        </button>
      )}
      {!shown && !failure && <Skeleton />}
      {shown?.length === 0 && <NothingFound isFiltered={!isEmptyFilter(filter)} />}
      {shown && shown.length > 0 && (
        <ol class="job-rows is-page" aria-label="Jobs" onKeyDown={(event) => walkRows(event, selection.add)}>
          {shown.map((job) => (
            <JobRow key={job.id} job={job} isSelected={false} selection={selection} />
          ))}
        </ol>
      )}
      {nextPageToken && (
        <button type="button" class="button" onClick={search.more}>
          Show older jobs
        </button>
      )}
    </section>
  );
}

function NothingFound({ isFiltered }: { readonly isFiltered: boolean }) {
  if (!isFiltered) {
    return (
      <div class="nothing">
        <p>No jobs yet. A job is a command or a coding agent, run on a machine of your own.</p>
        <a class="button primary" href="/new">
          New job
        </a>
      </div>
    );
  }
  return (
    <div class="nothing">
      <p>No job is like that. There may be others.</p>
      <a class="button" href="/jobs">
        Clear filters
      </a>
    </div>
  );
}

function Skeleton() {
  return (
    <div class="skeleton" aria-busy="true">
      <span class="visually-hidden">Loading jobs</span>
      <i />
      <i />
      <i />
    </div>
  );
}
