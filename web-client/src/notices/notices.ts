import { timestampMs } from "@bufbuild/protobuf/wkt";
import { effect, type ReadonlySignal } from "@preact/signals";
import type { Runner } from "#gen/fleet/v1/runner_pb.js";
import type { Ask } from "#gen/job/v1/ask_pb.js";
import { type Job, JobState } from "#gen/job/v1/job_pb.js";
import { askSummary, askTitle } from "../asks/ask-words.ts";
import { isOnline } from "../fleet/runner-store.ts";
import type { JobList } from "../jobs/job-list.ts";
import { isFinal, wordsForStatus } from "../jobs/job-state.ts";
import { jobTitle } from "../jobs/job-words.ts";
import { exitText } from "../jobs/status-sentence.ts";
import type { NoticeKind } from "../settings/settings.ts";

const longMs = 30_000;

/** Something that happened and that a person may want to be told of. */
export interface Notice {
  readonly kind: NoticeKind;
  readonly title: string;
  readonly text: string;
  readonly path: string;
  /** The job it is about; undefined for runners. */
  readonly jobId: string | undefined;
}

/** What notices are made of. */
export interface NoticeSources {
  readonly list: ReadonlySignal<JobList>;
  readonly openAsks: ReadonlySignal<readonly Ask[]>;
  readonly runners: ReadonlySignal<readonly Runner[] | undefined>;
}

/** Tells of what happens from now on, each thing once; what was so when the page was opened is no news. */
export function watchForNotices(sources: NoticeSources, tell: (notice: Notice) => void): void {
  watchEnds(sources.list, tell);
  watchAsks(sources, tell);
  watchRunners(sources.runners, tell);
}

function watchEnds(list: ReadonlySignal<JobList>, tell: (notice: Notice) => void): void {
  let unfinished = new Set<string>();
  effect(() => {
    const { jobs } = list.value;
    for (const job of jobs) if (unfinished.has(job.id) && isOver(job)) tellEnd(job, tell);
    unfinished = new Set(jobs.filter((job) => !isOver(job)).map(({ id }) => id));
  });
}

function tellEnd(job: Job, tell: (notice: Notice) => void): void {
  const state = job.status?.state;
  const isFailure = state === JobState.FAILED || state === JobState.TIMED_OUT;
  const { startTime, endTime } = job;
  const tookMs = startTime && endTime ? timestampMs(endTime) - timestampMs(startTime) : 0;
  if (!isFailure && (state === JobState.CANCELED || tookMs < longMs)) return;
  const { glyph, word } = wordsForStatus(job.status);
  tell({
    kind: isFailure ? "failures" : "ends",
    title: `${glyph} ${jobTitle(job)} ${word}`,
    text: exitText(job),
    path: `/jobs/${job.id}`,
    jobId: job.id,
  });
}

function watchAsks({ list, openAsks }: NoticeSources, tell: (notice: Notice) => void): void {
  let known: ReadonlySet<string> = new Set();
  /** Asks that were open before the page was are read a moment after the list that counts them. */
  let awaitsOld: boolean | undefined;
  effect(() => {
    const asks = openAsks.value;
    if (!list.value.loaded) return;
    awaitsOld ??= list.peek().jobs.some((job) => job.openAsks > 0);
    if (awaitsOld) {
      awaitsOld = asks.length === 0;
      known = new Set(asks.map(({ id }) => id));
      return;
    }
    for (const ask of asks) {
      if (known.has(ask.id)) continue;
      const job = list.peek().jobs.find(({ id }) => id === ask.jobId);
      tell({
        kind: "asks",
        title: `⚑ ${job ? jobTitle(job) : ask.jobId}: ${askTitle(ask)}`,
        text: askSummary(ask),
        path: `/jobs/${ask.jobId}?ask=${ask.id}`,
        jobId: ask.jobId,
      });
    }
    known = new Set(asks.map(({ id }) => id));
  });
}

function watchRunners(runners: ReadonlySignal<readonly Runner[] | undefined>, tell: (notice: Notice) => void): void {
  let online: ReadonlyMap<string, boolean> = new Map();
  effect(() => {
    const now = runners.value ?? [];
    for (const runner of now) {
      const before = online.get(runner.name);
      if (before === undefined || before === isOnline(runner)) continue;
      const isBack = isOnline(runner);
      tell({
        kind: "runners",
        title: isBack ? `● ${runner.name} is back` : `○ ${runner.name} is offline`,
        text: isBack ? "" : runner.problem,
        path: `/runners/${runner.name}`,
        jobId: undefined,
      });
    }
    online = new Map(now.map((runner) => [runner.name, isOnline(runner)]));
  });
}

function isOver({ status }: Job): boolean {
  return status !== undefined && isFinal(status.state);
}
