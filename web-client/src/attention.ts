import { timestampMs } from "@bufbuild/protobuf/wkt";
import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { type Runner, RunnerState } from "#gen/fleet/v1/runner_pb.js";
import { type Job, JobState } from "#gen/job/v1/job_pb.js";
import type { AskStore } from "./asks/ask-store.ts";
import type { JobList } from "./jobs/job-list.ts";
import { stored, type TextStorage } from "./ui/storage.ts";

const maxSeen = 200;

/** What else needs a person, beside asks: jobs that failed and were not looked at, runners that jobs wait for. */
export interface Attention {
  readonly failed: ReadonlySignal<readonly Job[]>;
  readonly offline: ReadonlySignal<readonly Runner[]>;
  readonly markSeen: (jobId: string) => void;
}

/** What attention is paid to. */
export interface AttentionPorts {
  readonly list: ReadonlySignal<JobList>;
  readonly runners: ReadonlySignal<readonly Runner[] | undefined>;
  readonly selectedId: ReadonlySignal<string | undefined>;
  readonly storage: () => TextStorage;
  readonly now: () => number;
}

/** Failures count from the first visit on, until their job was opened. */
export function createAttention({ list, runners, selectedId, storage, now }: AttentionPorts): Attention {
  const seenCell = stored(storage, "blazecraft.seen");
  const sinceCell = stored(storage, "blazecraft.since");
  const sinceMs = Number(sinceCell.read() ?? now());
  sinceCell.write(String(sinceMs));
  const seen = signal<readonly string[]>(seenCell.read()?.split(",") ?? []);
  const failed = computed(() =>
    list.value.jobs.filter((job) => isFailed(job) && endMs(job) >= sinceMs && !seen.value.includes(job.id)),
  );
  const waits = computed(() => list.value.jobs.some(({ status }) => status?.state === JobState.PENDING));
  const offline = computed(() => {
    const lost = (runners.value ?? []).filter(({ state }) => lostStates.includes(state));
    return waits.value || list.value.jobs.some(({ suspect }) => suspect) ? lost : [];
  });
  const markSeen = (jobId: string) => {
    if (seen.peek().includes(jobId)) return;
    seen.value = [...seen.peek(), jobId].slice(-maxSeen);
    seenCell.write(seen.peek().join());
  };
  effect(() => {
    const job = list.value.jobs.find(({ id }) => id === selectedId.value);
    if (job && isFailed(job)) markSeen(job.id);
  });
  return { failed, offline, markSeen };
}

/** How many things need a person: asks, and what else attention is paid to. */
export function countNeeds(page: { readonly asks: Pick<AskStore, "open">; readonly attention: Attention }): number {
  const { failed, offline } = page.attention;
  return page.asks.open.value.length + failed.value.length + offline.value.length;
}

const lostStates: readonly RunnerState[] = [RunnerState.OFFLINE, RunnerState.MISCONFIGURED];

function isFailed({ status }: Job): boolean {
  return status?.state === JobState.FAILED || status?.state === JobState.TIMED_OUT;
}

function endMs({ endTime }: Job): number {
  return endTime ? timestampMs(endTime) : 0;
}
