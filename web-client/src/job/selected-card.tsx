import { type Job, JobState } from "#gen/job/v1/job_pb.js";
import { isFinal } from "../jobs/job-state.ts";
import { jobTitle, placementText, workerName } from "../jobs/job-words.ts";
import { StateGlyph, StateWord } from "../jobs/state-glyph.tsx";
import { exitText, statusSentence } from "../jobs/status-sentence.ts";
import { MarkedText } from "../ui/marked-text.tsx";
import { bytesText, costText, countText } from "../ui/time-text.ts";
import type { JobFeed } from "./job-feed.ts";
import { JobElapsed, LastEvent } from "./job-times.tsx";

/** The selected job in a few lines. */
export function SelectedCard({ job, feed }: { readonly job: Job | undefined; readonly feed: JobFeed }) {
  if (!job) {
    return (
      <p class="empty">
        Nothing selected. <kbd>J</kbd> and <kbd>K</kbd> walk through the jobs.
      </p>
    );
  }
  const state = job.status?.state ?? JobState.UNSPECIFIED;
  return (
    <div class="selected">
      <p class="selected-title">
        <StateGlyph status={job.status} />
        <strong>
          <MarkedText text={jobTitle(job)} />
        </strong>
      </p>
      <p class="selected-place">{[workerName(job.spec), placementText(job)].filter(Boolean).join(" · ")}</p>
      <p class="selected-why">
        <StateWord status={job.status} /> {isFinal(state) ? exitText(job) : ""}
        {!isFinal(state) && <MarkedText text={statusSentence(job)} />}
      </p>
      <p class="selected-numbers num">{numbers(job, feed)}</p>
      <p class="selected-times num">
        <JobElapsed job={job} />
        {state === JobState.RUNNING && (
          <>
            {" · event "}
            <LastEvent atMs={feed.lastEventMs} />
          </>
        )}
      </p>
    </div>
  );
}

/** Tokens and cost for an agent, lines and bytes of output for a task. */
function numbers(job: Job, feed: JobFeed): string {
  if (job.spec?.work.case !== "agent") {
    const seen = feed.log.totals;
    const lines = Math.max(seen.lines, job.log?.lines ?? 0);
    const bytes = Math.max(seen.bytes, Number(job.log?.bytes ?? 0));
    return lines > 0 ? `${countText(lines)} ${lines === 1 ? "line" : "lines"} · ${bytesText(bytes)}` : "no output yet";
  }
  const { usage } = job;
  if (!usage) return "no tokens yet";
  const tokens = usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
  return `${countText(Number(tokens))} tokens · ${costText(Number(usage.costMicros))}${usage.estimated ? " est." : ""}`;
}
