import { durationMs } from "@bufbuild/protobuf/wkt";
import type { ComponentChildren } from "preact";
import type { Job } from "#gen/job/v1/job_pb.js";
import { placementText, workerName, workText } from "../jobs/job-words.ts";
import { modeTitle } from "../jobs/permission-modes.ts";
import { CopyButton } from "../ui/copy-button.tsx";
import { LongText } from "../ui/long-text.tsx";
import { MarkedText } from "../ui/marked-text.tsx";
import { bytesText, costText, durationText } from "../ui/time-text.ts";
import { commandFor, curlFor } from "./copy-text.ts";
import { JobCreated, JobElapsed } from "./job-times.tsx";

/** Everything that is known of a job beside what it said. */
export function JobDetails({ job }: { readonly job: Job }) {
  const { spec } = job;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
    <section class="details" aria-label="Details" tabIndex={0}>
      <h2>{spec?.work.case === "agent" ? "Prompt" : "Command"}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <pre class="details-work mono" tabIndex={0}>
        <LongText text={spec ? workText(spec) : ""} />
      </pre>
      {spec && (
        <div class="row">
          <CopyButton title="Copy as command" text={commandFor(spec)} />
          <CopyButton title="Copy as curl" text={curlFor(spec, location.origin)} />
        </div>
      )}
      <dl class="facts is-block num">
        <Fact title="Id">{job.id}</Fact>
        <Fact title="Worker">{workerName(spec)}</Fact>
        <Fact title="Repository">
          <MarkedText text={spec?.repoRef ?? ""} />
        </Fact>
        <Fact title="Base">{placementText(job) || "–"}</Fact>
        <Fact title="Created">
          <JobCreated job={job} />
          {job.creator?.id && <MarkedText text={` by ${job.creator.id}`} />}
        </Fact>
        <Fact title="Took">
          <JobElapsed job={job} />
        </Fact>
        <Related title="Retry of" id={job.retryOf} />
        <Related title="Continues" id={job.continues} />
        {job.baseCommit && <Fact title="Base commit">{job.baseCommit.slice(0, 12)}</Fact>}
        {job.log && (
          <Fact title="Output">
            {job.log.lines} lines, {bytesText(Number(job.log.bytes))}
          </Fact>
        )}
        {spec?.limits?.wall && <Fact title="Time limit">{durationText(durationMs(spec.limits.wall))}</Fact>}
        {job.budgetMicros > 0n && <Fact title="Budget">{costText(Number(job.budgetMicros))}</Fact>}
        {spec?.work.case === "agent" && <Fact title="Permissions">{modeTitle(job.permissionMode)}</Fact>}
        {spec && spec.runnerLabels.length > 0 && (
          <Fact title="Wants a runner with">
            <MarkedText text={spec.runnerLabels.join(", ")} />
          </Fact>
        )}
        {Object.entries(spec?.labels ?? {}).map(([key, value]) => (
          <Fact key={key} title={`Label ${key}`}>
            <MarkedText text={value} />
          </Fact>
        ))}
        <Fact title="Events">{job.newestSequence}</Fact>
      </dl>
    </section>
  );
}

function Related({ title, id }: { readonly title: string; readonly id: string }) {
  if (!id) return null;
  return (
    <Fact title={title}>
      <a href={`/jobs/${id}`}>{id}</a>
    </Fact>
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
