import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type Job, JobState } from "#gen/job/v1/job_pb.js";
import { isFinal } from "../jobs/job-state.ts";
import { jobTitle, placementText, workerName, workText } from "../jobs/job-words.ts";
import { StateGlyph, StateWord } from "../jobs/state-glyph.tsx";
import { exitText, statusSentence } from "../jobs/status-sentence.ts";
import { LazyLogView } from "../log/lazy-log-view.tsx";
import type { Log } from "../log/log.ts";
import type { WholeLog } from "../log/whole-log.ts";
import type { JobView } from "../route.ts";
import { TranscriptView } from "../transcript/transcript-view.tsx";
import { MarkedText } from "../ui/marked-text.tsx";
import { Tabs, tabPanelProps } from "../ui/tabs.tsx";
import type { JobFeed } from "./job-feed.ts";
import { JobCreated, JobElapsed, LastEvent } from "./job-times.tsx";
import { PublicationLinks } from "./publication-links.tsx";

/** A job on the stage: how it stands above, what it says below. */
export function JobStage(props: {
  readonly job: Job;
  readonly feed: JobFeed;
  readonly version: number;
  /** The views it has, in the order of their tabs. */
  readonly views: readonly JobView[];
  readonly view: JobView;
  readonly log: Log | undefined;
  readonly wholeLog: WholeLog;
  readonly onView: (view: JobView) => void;
  /** Hosts that it could not reach. */
  readonly network: ComponentChildren;
  /** The files that it left. */
  readonly artifacts: ComponentChildren;
  readonly diff: ComponentChildren;
  readonly details: ComponentChildren;
  /** What came of it, once it is over. */
  readonly ending: ComponentChildren;
  /** Of an agent: what it may do unasked, what it asks, and what it took and can be told. */
  readonly mode?: ComponentChildren;
  readonly asks?: ComponentChildren;
  readonly foot?: ComponentChildren;
}) {
  const { job, feed, view } = props;
  return (
    <article class="job" aria-labelledby="job-title">
      <JobHeader job={job} feed={feed} mode={props.mode} />
      {props.asks}
      {props.network}
      {props.artifacts}
      {props.ending}
      <Tabs
        name="stage"
        label="Views of the job"
        tabs={props.views.map((id) => ({ id, title: viewTitles[id] }))}
        open={view}
        onOpen={props.onView}
      />
      <div class="job-body" {...tabPanelProps("stage", view)}>
        <OpenView {...props} />
      </div>
      {props.foot}
    </article>
  );
}

const viewTitles: Record<JobView, string> = {
  transcript: "Transcript",
  log: "Output",
  diff: "Diff",
  timeline: "Timeline",
  details: "Details",
};

type OpenViewProps = Pick<
  Parameters<typeof JobStage>[0],
  "job" | "feed" | "version" | "view" | "diff" | "details" | "log" | "wholeLog"
>;

function OpenView(props: OpenViewProps) {
  const { job, feed, version, log, wholeLog } = props;
  switch (props.view) {
    case "transcript":
      return (
        <TranscriptView
          key={job.id}
          transcript={feed.transcript}
          version={version}
          prompt={job.spec ? workText(job.spec) : ""}
        />
      );
    case "details":
      return <>{props.details}</>;
    case "diff":
      return <>{props.diff}</>;
    case "log":
    case "timeline":
      return log ? <LazyLogView log={log} label="Output" emptyText={emptyLogText(job)} whole={wholeLog} /> : null;
  }
}

function JobHeader({
  job,
  feed,
  mode,
}: {
  readonly job: Job;
  readonly feed: JobFeed;
  readonly mode: ComponentChildren;
}) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // Arriving by a link or a key moves focus here; a form that is being typed in keeps it.
    if (!document.activeElement?.closest(".hud")) title.current?.focus({ preventScroll: true });
  }, [job.id]);
  const exit = exitText(job);
  return (
    <header class="job-head">
      <StateGlyph status={job.status} isBig />
      <div class="job-head-text">
        <h1 id="job-title" ref={title} tabIndex={-1}>
          <MarkedText text={jobTitle(job)} />
        </h1>
        <p class="job-cause">
          <StateWord status={job.status} />
          {exit && <span class="mono job-exit">{exit}</span>}
          <span>
            <MarkedText text={statusSentence(job) || (feed.isStopping ? "Stopping its processes." : "")} />
          </span>
        </p>
      </div>
      {mode}
      <dl class="facts">
        <Fact title="Worker">{workerName(job.spec)}</Fact>
        <Fact title="Base">{placementText(job) || "–"}</Fact>
        <Fact title="Repository">
          <MarkedText text={job.spec?.repoRef ?? ""} />
        </Fact>
        {job.continues && (
          <Fact title="Continues">
            <a href={`/jobs/${job.continues}`}>{job.continues.slice(0, 12)}…</a>
          </Fact>
        )}
        {job.publication && (
          <Fact title="Published">
            <PublicationLinks publication={job.publication} />
          </Fact>
        )}
        <Fact title="Created">
          <JobCreated job={job} />
        </Fact>
        <Fact title="Took">
          <JobElapsed job={job} />
        </Fact>
        {job.status?.state === JobState.RUNNING && (
          <Fact title="Last event">
            <LastEvent atMs={feed.lastEventMs} />
          </Fact>
        )}
      </dl>
    </header>
  );
}

function Fact({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{title}</dt>
      <dd class="num">{children}</dd>
    </div>
  );
}

function emptyLogText(job: Job): string {
  const state = job.status?.state ?? JobState.UNSPECIFIED;
  if (isFinal(state)) return "It wrote nothing.";
  return state === JobState.PENDING ? "Its output will show here." : "Nothing written yet.";
}
