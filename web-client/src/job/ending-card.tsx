import type { ComponentChildren } from "preact";
import { type Job, JobState } from "#gen/job/v1/job_pb.js";
import { isFinal } from "../jobs/job-state.ts";
import { statusSentence } from "../jobs/status-sentence.ts";
import type { LineRow } from "../log/log-buffer.ts";
import { CopyButton } from "../ui/copy-button.tsx";
import { MarkedText } from "../ui/marked-text.tsx";
import type { Command } from "./commands.ts";
import { debugBundle } from "./copy-text.ts";
import type { JobFeed } from "./job-feed.ts";
import { JobElapsed } from "./job-times.tsx";
import { spendOf } from "./spend.ts";

const lastLines = 20;
const errorWords = /(error|fatal|failed|exception|panic)\b/i;

/** What came of a job that is over, and what can be done next; nothing before. */
export function EndingCard(props: {
  readonly job: Job;
  readonly feed: JobFeed;
  readonly commands: readonly Command[];
}) {
  const { job, feed, commands } = props;
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
        {isGood ? <Result job={job} /> : <Failure job={job} feed={feed} />}
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
          <CopyButton title="Copy debug bundle" text={debugBundle(job, feed)} />
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

function Failure({ job, feed }: { readonly job: Job; readonly feed: JobFeed }) {
  const errors = feed.log.rows.filter((row): row is LineRow => row.kind === "line" && row.isError);
  const first = errors.find(({ text }) => errorWords.test(text)) ?? errors[0];
  return (
    <>
      <p>
        <MarkedText text={statusSentence(job)} />
        {first && (
          <Step>
            First error at <a href={`/jobs/${job.id}/log#L${first.number}`}>line {first.number}</a>.
          </Step>
        )}
      </p>
      {errors.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        <section class="ending-lines mono" tabIndex={0} aria-label="Last lines of standard error">
          {errors.slice(-lastLines).map(({ number, text }) => (
            <span key={number}>
              <MarkedText text={plain(text)} />
              {"\n"}
            </span>
          ))}
        </section>
      )}
    </>
  );
}

function Step({ children }: { readonly children: ComponentChildren }) {
  return <span class="ending-step"> {children}</span>;
}

/** Without colours, which mean nothing here. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is how colours begin
  return text.replace(/\x1b\[[\d;]*[A-Za-z]/g, "");
}
