import { useEffect } from "preact/hooks";
import { type Job, JobState } from "#gen/job/v1/job_pb.js";
import { isFinal } from "../jobs/job-state.ts";
import { statusSentence } from "../jobs/status-sentence.ts";
import { CopyButton } from "../ui/copy-button.tsx";
import { MarkedText } from "../ui/marked-text.tsx";
import type { Command } from "./commands.ts";
import { debugBundle } from "./copy-text.ts";
import type { ErrorLinesStore } from "./error-lines.ts";
import { JobElapsed } from "./job-times.tsx";
import { spendOf } from "./spend.ts";

/** What came of a job that is over, and what can be done next; nothing before. */
export function EndingCard(props: {
  readonly job: Job;
  readonly errors: ErrorLinesStore;
  readonly commands: readonly Command[];
}) {
  const { job, errors, commands } = props;
  const state = job.status?.state ?? JobState.UNSPECIFIED;
  if (!isFinal(state)) return null;
  const isGood = state === JobState.SUCCEEDED;
  const isAgent = job.spec?.work.case === "agent";
  // A task that went well has said everything in its log.
  if (isGood && !isAgent) return null;
  return (
    <details class={`ending tone-${isGood ? "ok" : "bad"}`} open={!isGood}>
      <summary>{isGood ? "What came of it" : "What went wrong"}</summary>
      <div class="ending-body">
        {isGood ? <Result job={job} /> : <Failure job={job} errors={errors} />}
        <div class="row">
          {commands
            .filter(({ id }) => id === "retry" || id === "edit")
            .map(({ id, title, isEnabled, run }) => (
              <button key={id} type="button" class="button small" disabled={!isEnabled} onClick={run}>
                {id === "edit" ? "Edit & retry" : title}
              </button>
            ))}
          {isAgent && (
            <button
              type="button"
              class="button small"
              onClick={() => document.getElementById("composer-text")?.focus()}
            >
              {isGood ? "Follow up" : "Resume with a message"}
            </button>
          )}
          <CopyButton title="Copy debug bundle" text={debugBundle(job, errors.lines.value)} />
        </div>
      </div>
    </details>
  );
}

function Result({ job }: { readonly job: Job }) {
  const { diffstat } = job;
  return (
    <>
      {job.result && (
        <p class="prose">
          <MarkedText text={job.result} />
        </p>
      )}
      <p class="num ending-figures">
        {diffstat && (
          <span>
            {diffstat.files} {diffstat.files === 1 ? "file" : "files"}, +{diffstat.insertions} −{diffstat.deletions}
          </span>
        )}
        <span>{spendOf(job).text}</span>
        <span>
          took <JobElapsed job={job} />
        </span>
      </p>
    </>
  );
}

function Failure({ job, errors }: { readonly job: Job; readonly errors: ErrorLinesStore }) {
  useEffect(
    () =>
      void errors.read(job.id).catch(() => {
        // The sentence above the lines stands without them.
      }),
    [job.id],
  );
  const read = errors.lines.value?.jobId === job.id ? errors.lines.value : undefined;
  return (
    <>
      <p>
        <MarkedText text={statusSentence(job)} />
        {read?.first && (
          <>
            {" "}
            First error at <a href={`/jobs/${job.id}/log#L${read.first}`}>line {read.first}</a>.
          </>
        )}
      </p>
      {read && read.last.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        <section class="ending-lines mono" tabIndex={0} aria-label="Last lines of standard error">
          {read.last.map(({ number, text }) => (
            <div key={number}>
              <MarkedText text={text} />
            </div>
          ))}
        </section>
      )}
    </>
  );
}
