import { durationMs, timestampDate } from "@bufbuild/protobuf/wkt";
import type { ComponentChildren } from "preact";
import { IsolationKind, type Runner, RunnerState } from "#gen/fleet/v1/runner_pb.js";
import type { Job } from "#gen/job/v1/job_pb.js";
import { jobTitle } from "../jobs/job-words.ts";
import { StateGlyph } from "../jobs/state-glyph.tsx";
import { MarkedText } from "../ui/marked-text.tsx";
import { asSentence } from "../ui/sentence.ts";
import { bytesText, costText } from "../ui/time-text.ts";
import type { RunnerCommands } from "./runner-commands.ts";
import { RunnerStateWord } from "./runner-state.tsx";

/** One runner: how it stands, what it holds, what keeps its jobs apart, and how it is taken out of service. */
export function RunnerPage(props: {
  readonly runner: Runner;
  /** The jobs it holds. */
  readonly jobs: readonly Job[];
  readonly commands: RunnerCommands;
}) {
  const { runner, jobs, commands } = props;
  const { info } = runner;
  const isDraining = runner.state === RunnerState.DRAINING || info?.draining;
  return (
    <section class="sheet" aria-labelledby="runner-title">
      <header class="sheet-head">
        <h1 id="runner-title">
          {runner.name} <RunnerStateWord runner={runner} />
        </h1>
        <div class="row">
          <button type="button" class="button small" onClick={() => void commands.check(runner.name)}>
            Check the way to it
          </button>
          {isDraining ? (
            <button type="button" class="button small" onClick={() => void commands.resume(runner.name)}>
              Resume
            </button>
          ) : (
            <button type="button" class="button small" onClick={() => void commands.drain(runner.name)}>
              Drain
            </button>
          )}
        </div>
      </header>
      {runner.problem && (
        <p class="tone-bad refusal">
          <MarkedText text={asSentence(runner.problem)} />
        </p>
      )}
      {commands.failure.value && <p class="refusal">{commands.failure.value}</p>}
      <Hops commands={commands} name={runner.name} />
      <dl class="facts is-block num">
        <Fact title="Address">
          <MarkedText text={runner.url} />
        </Fact>
        <Fact title="Last seen">
          {runner.lastSeenTime ? timestampDate(runner.lastSeenTime).toLocaleString() : "never"}
        </Fact>
        <Fact title="Lanes">{info ? `${runner.leasedSlots} of ${info.slots} busy` : "–"}</Fact>
        <Fact title="Free disk">{info?.freeDiskBytes ? bytesText(Number(info.freeDiskBytes)) : "–"}</Fact>
        <Fact title="Takes no job below">
          {info?.minFreeDiskBytes ? bytesText(Number(info.minFreeDiskBytes)) : "–"}
        </Fact>
        <Fact title="Spent today">
          {info ? costText(Number(info.daySpentMicros)) : "–"}
          {info && info.dayBudgetMicros > 0n && ` of ${costText(Number(info.dayBudgetMicros))}`}
        </Fact>
        <Fact title="Version">
          <MarkedText text={[info?.version, info?.platform].filter(Boolean).join(" · ") || "–"} />
        </Fact>
        <Fact title="Labels">
          <MarkedText text={info?.labels.join(", ") || "none"} />
        </Fact>
      </dl>
      <h2>Jobs it holds</h2>
      {jobs.length === 0 && <p class="empty">None.</p>}
      <ul class="lanes">
        {jobs.map((job) => (
          <li key={job.id} class="lane">
            <span class="lane-name">lane {job.placement?.slot}</span>
            <a href={`/jobs/${job.id}`}>
              <StateGlyph status={job.status} /> <MarkedText text={jobTitle(job)} />
            </a>
          </li>
        ))}
      </ul>
      <Walls runner={runner} />
      <Executors runner={runner} />
    </section>
  );
}

function Fact({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Hops({ commands, name }: { readonly commands: RunnerCommands; readonly name: string }) {
  const checked = commands.checked.value;
  if (checked?.runner?.name !== name) return null;
  const hops = checked.hops.map((hop) => `${hop.name} ${hop.latency ? Math.round(durationMs(hop.latency)) : 0} ms`);
  return <p role="status">It answers: {hops.join(", ")}.</p>;
}

/** What stands between a job and the rest of its machine. */
function Walls({ runner }: { readonly runner: Runner }) {
  const isolation = runner.info?.isolation;
  if (!isolation) return null;
  return (
    <>
      <h2>Walls around its jobs</h2>
      {isolation.kind !== IsolationKind.BUBBLEWRAP && (
        <p class="warning-chip">⚠ Jobs run without a box, as the runner's own user.</p>
      )}
      <p>
        <MarkedText text={[isolation.summary, isolation.problem].filter(Boolean).map(asSentence).join(" ")} />
      </p>
      <ul class="walls">
        {isolation.walls.map(({ name, holds, detail }) => (
          <li key={name}>
            <span class={`glyph tone-${holds ? "ok" : "bad"}`} aria-hidden="true">
              {holds ? "✓" : "✗"}
            </span>
            <strong>
              <MarkedText text={name} />
            </strong>
            <span class="visually-hidden">{holds ? "holds" : "does not hold"}</span> <MarkedText text={detail} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Executors({ runner }: { readonly runner: Runner }) {
  return (
    <>
      <h2>What it can run</h2>
      <ul class="walls">
        {runner.info?.executors.map(({ name, version, problem }) => (
          <li key={name}>
            <span class={`glyph tone-${problem ? "bad" : "ok"}`} aria-hidden="true">
              {problem ? "✗" : "✓"}
            </span>
            <strong>
              <MarkedText text={name} />
            </strong>{" "}
            <MarkedText text={problem ? asSentence(problem) : version} />
          </li>
        ))}
      </ul>
    </>
  );
}
