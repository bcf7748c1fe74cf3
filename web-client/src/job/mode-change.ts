import { ConnectError } from "@connectrpc/connect";
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Job, PermissionMode } from "#gen/job/v1/job_pb.js";
import { isLooser } from "../jobs/permission-modes.ts";
import type { Gateway } from "../transport.ts";
import { asSentence } from "../ui/sentence.ts";

/** A mode that was chosen for a job and is not yet in force. */
export interface WantedMode {
  readonly jobId: string;
  readonly mode: PermissionMode;
  /** It allows more than now and waits to be confirmed; otherwise it is on its way. */
  readonly needsConfirm: boolean;
}

/** Changes what a job's agent may do unasked. */
export interface ModeChange {
  readonly wanted: ReadonlySignal<WantedMode | undefined>;
  readonly failure: ReadonlySignal<string>;
  /** Tightens at once; what would loosen waits for confirm. */
  readonly choose: (job: Job, mode: PermissionMode) => void;
  readonly confirm: () => void;
  readonly keep: () => void;
}

/** Changes modes through the gateway, which answers what is in force. */
export function createModeChange(jobs: Gateway["jobs"], learn: (job: Job) => void): ModeChange {
  const wanted = signal<WantedMode>();
  const failure = signal("");
  const set = async ({ jobId, mode }: WantedMode) => {
    wanted.value = { jobId, mode, needsConfirm: false };
    try {
      const { job } = await jobs.setPermissionMode({ id: jobId, mode });
      if (job) learn(job);
    } catch (error) {
      failure.value = `The permissions stay as they are. ${asSentence(ConnectError.from(error).rawMessage)}`;
    } finally {
      wanted.value = undefined;
    }
  };
  return {
    wanted,
    failure,
    choose: (job, mode) => {
      failure.value = "";
      const next = { jobId: job.id, mode, needsConfirm: isLooser(mode, job.permissionMode) };
      if (next.needsConfirm) wanted.value = next;
      else void set(next);
    },
    confirm: () => {
      const next = wanted.peek();
      if (next?.needsConfirm) void set(next);
    },
    keep: () => {
      wanted.value = undefined;
    },
  };
}
