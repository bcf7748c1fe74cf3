import { type Job, JobState, PermissionMode } from "#gen/job/v1/job_pb.js";
import { isFinal } from "../jobs/job-state.ts";
import { modeTitle, permissionModes } from "../jobs/permission-modes.ts";
import type { ModeChange } from "./mode-change.ts";

/** What a job's agent may do unasked, to be changed while it runs. To loosen it takes a second press. */
export function ModeControl({ job, change }: { readonly job: Job; readonly change: ModeChange }) {
  const { permissionMode } = job;
  const isOver = isFinal(job.status?.state ?? JobState.UNSPECIFIED);
  const wanted = change.wanted.value?.jobId === job.id ? change.wanted.value : undefined;
  return (
    <div class="mode">
      {permissionMode === PermissionMode.BYPASS && <span class="warning-chip">⚠ never asks</span>}
      {isOver ? (
        <span class="mode-over">Permissions: {modeTitle(permissionMode)}</span>
      ) : (
        <label class="field">
          <span class="field-label">Permissions</span>
          <select
            value={String(wanted?.mode ?? (permissionMode || PermissionMode.ASK))}
            disabled={wanted !== undefined && !wanted.needsConfirm}
            onChange={(event) => change.choose(job, Number(event.currentTarget.value))}
          >
            {permissionModes.map(([mode, title]) => (
              <option key={mode} value={String(mode)}>
                {title}
              </option>
            ))}
          </select>
        </label>
      )}
      {wanted?.needsConfirm && (
        <>
          <button type="button" class="button small is-risky" onClick={change.confirm}>
            Loosen to “{modeTitle(wanted.mode)}”
          </button>
          <button type="button" class="button small" onClick={change.keep}>
            Keep “{modeTitle(permissionMode)}”
          </button>
        </>
      )}
      {change.failure.value && <p class="refusal">{change.failure.value}</p>}
    </div>
  );
}
