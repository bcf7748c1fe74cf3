import { durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Runner } from "#gen/fleet/v1/runner_pb.js";
import { type Job, JobState } from "#gen/job/v1/job_pb.js";
import { isFinal, wordsForStatus } from "../jobs/job-state.ts";
import { jobTitle } from "../jobs/job-words.ts";
import { StateGlyph } from "../jobs/state-glyph.tsx";
import { clock } from "../ui/clock.ts";
import { MarkedText } from "../ui/marked-text.tsx";
import { asSentence } from "../ui/sentence.ts";
import { agoText } from "../ui/time-text.ts";
import { RunnerStateWord } from "./runner-state.tsx";
import { isOnline } from "./runner-store.ts";

/** Every runner with its lanes, the jobs that wait for one, and those that ended last. */
export function FleetBoard({ runners, jobs }: { readonly runners: readonly Runner[]; readonly jobs: readonly Job[] }) {
  const waiting = jobs.filter((job) => job.status?.state === JobState.PENDING).toReversed();
  const recent = jobs.filter((job) => job.status && isFinal(job.status.state)).slice(0, 6);
  return (
    <div class="fleet">
      {runners.map((runner) => (
        <Base key={runner.name} runner={runner} jobs={jobs} />
      ))}
      {waiting.length > 0 && (
        <section class="base plate" aria-label="Queue">
          <header class="base-head">
            <h2>Barracks</h2>
            <span class="base-state tone-off">{waiting.length} waiting</span>
          </header>
          <ol class="lanes">
            {waiting.slice(0, 8).map((job) => (
              <LaneJob key={job.id} job={job} />
            ))}
          </ol>
        </section>
      )}
      {recent.length > 0 && (
        <section class="base plate" aria-label="Recent jobs">
          <header class="base-head">
            <h2>Recent</h2>
          </header>
          <ol class="lanes">
            {recent.map((job) => (
              <LaneJob key={job.id} job={job} />
            ))}
          </ol>
        </section>
      )}
    </div>
  );
}

function Base({ runner, jobs }: { readonly runner: Runner; readonly jobs: readonly Job[] }) {
  const lanes = Array.from({ length: runner.info?.slots ?? 0 }, (_, index) => index + 1);
  const held = jobs.filter((job) => job.placement?.runner === runner.name && isHeld(job));
  return (
    <section class="base plate" aria-label={`Base ${runner.name}`}>
      <header class="base-head">
        <h2>
          <a href={`/runners/${runner.name}`}>{runner.name}</a>
        </h2>
        <RunnerStateWord runner={runner} />
        {isOnline(runner) && runner.latency && <span class="num">{Math.round(durationMs(runner.latency))} ms</span>}
        <span class="base-about">{[runner.info?.platform, runner.info?.version].filter(Boolean).join(" · ")}</span>
      </header>
      {runner.problem && (
        <p class="base-problem">
          <MarkedText text={asSentence(runner.problem)} /> <LastSeen runner={runner} />
        </p>
      )}
      {isOnline(runner) && (
        <ol class="lanes">
          {lanes.map((lane) => {
            const job = held.find((candidate) => candidate.placement?.slot === lane);
            return job ? (
              <LaneJob key={lane} job={job} lane={lane} />
            ) : (
              <li key={lane} class="lane is-idle">
                <span class="lane-name">lane {lane}</span> idle
              </li>
            );
          })}
        </ol>
      )}
    </section>
  );
}

function LaneJob({ job, lane }: { readonly job: Job; readonly lane?: number }) {
  return (
    <li class={`lane tone-${wordsForStatus(job.status).tone}`}>
      {lane !== undefined && <span class="lane-name">lane {lane}</span>}
      <a href={`/jobs/${job.id}`}>
        <StateGlyph status={job.status} /> <MarkedText text={jobTitle(job)} />
      </a>
    </li>
  );
}

function LastSeen({ runner }: { readonly runner: Runner }) {
  if (!runner.lastSeenTime) return <>It never answered.</>;
  return <>Last seen {agoText(clock.value - timestampMs(runner.lastSeenTime))}.</>;
}

function isHeld(job: Job): boolean {
  return job.status?.state === JobState.RUNNING || job.status?.state === JobState.WAITING;
}
