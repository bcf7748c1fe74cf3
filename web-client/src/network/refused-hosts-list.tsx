import { RefusalReason } from "#gen/job/v1/job_event_pb.js";
import { type Job, JobState } from "#gen/job/v1/job_pb.js";
import { isFinal } from "../jobs/job-state.ts";
import { MarkedText } from "../ui/marked-text.tsx";
import { type Allowing, askedKey } from "./allowing.ts";
import type { RefusedHost } from "./refused-hosts.ts";

/** The hosts that a job could not reach, to be allowed while it runs. Nothing when it reached all it wanted. */
export function RefusedHostsList(props: {
  readonly job: Job;
  readonly hosts: readonly RefusedHost[];
  readonly allowing: Allowing;
}) {
  const { job, hosts, allowing } = props;
  const failure = allowing.failures.value.get(job.id);
  const blocked = hosts.filter(({ allowedBy }) => allowedBy === undefined).length;
  if (hosts.length === 0) return null;
  return (
    <details class="refused" open={blocked > 0}>
      <summary>
        {blocked > 0 ? `Could not reach ${blocked === 1 ? "a host" : `${blocked} hosts`}` : "Hosts allowed on the way"}
      </summary>
      <ul>
        {hosts.map((host) => (
          <RefusedHostRow key={`${host.reason} ${host.place}`} host={host} job={job} allowing={allowing} />
        ))}
      </ul>
      {failure && <p class="refusal">{failure}</p>}
    </details>
  );
}

function RefusedHostRow({ host, job, allowing }: { host: RefusedHost; job: Job; allowing: Allowing }) {
  const { place, reason, message, count, allowedBy } = host;
  const isOver = isFinal(job.status?.state ?? JobState.UNSPECIFIED);
  const canAllow = reason === RefusalReason.NOT_ALLOWED && !isOver;
  return (
    <li>
      <span class="mono refused-place">
        <MarkedText text={place} />
      </span>
      {count > 1 && <span class="num refused-why">{count}×</span>}
      {allowedBy !== undefined ? (
        <span class="refused-why">✓ allowed by {allowedBy || "a caller"}</span>
      ) : (
        <>
          {canAllow && (
            <button
              type="button"
              class="button small is-risky"
              disabled={allowing.asked.value.has(askedKey(job.id, place))}
              aria-label={`Allow ${place} for this job`}
              onClick={() => allowing.allow(job.id, place)}
            >
              Allow
            </button>
          )}
          <span class="refused-why">{canAllow ? "Nobody allowed it yet." : <MarkedText text={message} />}</span>
        </>
      )}
    </li>
  );
}
