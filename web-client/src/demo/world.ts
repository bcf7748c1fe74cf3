import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Runner } from "#gen/fleet/v1/runner_pb.js";
import { type Ask, type AskRule, AskSchema } from "#gen/job/v1/ask_pb.js";
import {
  type EventBatch,
  EventBatchSchema,
  type EventGap,
  type JobEventSchema,
  type Message,
} from "#gen/job/v1/job_event_pb.js";
import {
  type Job,
  JobSchema,
  type JobSpec,
  JobState,
  type JobStatusSchema,
  PendingReason,
  PermissionMode,
} from "#gen/job/v1/job_pb.js";
import type { Diff } from "#gen/job/v1/job_service_pb.js";
import { isOnline } from "../fleet/runner-store.ts";
import { isFinal } from "../jobs/job-state.ts";
import { type Bell, createBell } from "./bell.ts";
import type { Act } from "./job-stage.ts";
import { JobStage } from "./job-stage.ts";
import type { Chance } from "./random.ts";

/** A job of the demo and everything that is known of it. */
export interface DemoJob {
  readonly id: string;
  job: Job;
  readonly batches: EventBatch[];
  /** Events that a reader who begins anew is told are lost. */
  gap: EventGap | undefined;
  readonly messages: Message[];
  diff: Diff | undefined;
  /** The list's revision of its last change. */
  revision: number;
  readonly act: Act;
  readonly stop: AbortController;
}

/** What a new job is made of. */
export interface NewDemoJob {
  readonly spec: JobSpec;
  readonly act: Act;
  /** How long ago it was created; it catches up with the present at once. */
  readonly agoMs?: number;
  readonly retryOf?: string;
  readonly continues?: string;
}

type Payload = MessageInitShape<typeof JobEventSchema>["payload"];

/** The gateway, the runners and the jobs that a demo plays, all in memory. */
export class World {
  readonly jobs = new Map<string, DemoJob>();
  readonly runners = new Map<string, Runner>();
  readonly asks = new Map<string, Ask>();
  readonly rules = new Map<string, AskRule>();
  readonly deleted: { readonly id: string; readonly revision: number }[] = [];
  readonly bell: Bell = createBell();
  readonly chance: Chance;
  /** How many times faster than life it goes. */
  readonly speed: number;
  revision = 1;

  constructor({ chance, speed }: { readonly chance: Chance; readonly speed: number }) {
    this.chance = chance;
    this.speed = speed;
  }

  /** Adds a job to the queue, and gives it to a runner when one is free. */
  createJob({ spec, act, agoMs = 0, retryOf = "", continues = "" }: NewDemoJob): DemoJob {
    const id = this.chance.id("job_");
    const createMs = Date.now() - agoMs;
    const agent = spec.work.case === "agent" ? spec.work.value : undefined;
    const job = create(JobSchema, {
      id,
      createTime: timestampFromMs(createMs),
      spec,
      retryOf,
      continues,
      creator: { id: "you" },
      status: { state: JobState.PENDING, detail: { case: "pending", value: { reason: PendingReason.DISPATCHING } } },
      permissionMode: agent?.permissionMode || (agent ? PermissionMode.ASK : PermissionMode.UNSPECIFIED),
      budgetMicros: spec.limits?.budgetMicros ?? 0n,
    });
    const stop = new AbortController();
    const entry: DemoJob = {
      id,
      job,
      batches: [],
      gap: undefined,
      messages: [],
      diff: undefined,
      revision: 0,
      act,
      stop,
    };
    this.jobs.set(id, entry);
    this.setStatus(entry, createMs, job.status ?? {});
    this.dispatch();
    return entry;
  }

  /** Writes the next event of a job. */
  emit(entry: DemoJob, timeMs: number, payload: Payload): void {
    const sequence = entry.job.newestSequence + 1;
    entry.batches.push(
      create(EventBatchSchema, {
        header: { firstSequence: sequence, count: 1 },
        events: [{ time: timestampFromMs(timeMs), payload: payload ?? { case: undefined } }],
      }),
    );
    entry.job = { ...entry.job, newestSequence: sequence };
    this.bell.ring();
  }

  /** Gives a job another status, and tells of it. */
  setStatus(entry: DemoJob, timeMs: number, status: MessageInitShape<typeof JobStatusSchema>): void {
    const { placement } = entry.job;
    this.change(entry, { status: create(JobSchema, { status }).status });
    this.emit(entry, timeMs, { case: "stateChanged", value: { status, ...(placement && { placement }) } });
  }

  /** Changes what the list shows of a job. */
  change(entry: DemoJob, change: Partial<Job>): void {
    entry.revision = ++this.revision;
    entry.job = { ...entry.job, ...change, revision: entry.job.revision + 1 };
    this.bell.ring();
  }

  /** Opens, changes or closes an ask of a job. */
  setAsk(entry: DemoJob, ask: Ask): void {
    this.asks.set(ask.id, ask);
    this.emit(entry, Date.now(), { case: "ask", value: create(AskSchema, ask) });
    this.bell.ring();
  }

  /** Starts what waits on whatever runner is free, and tells the others why they wait. */
  dispatch(): void {
    const waiting = [...this.jobs.values()].filter(({ job }) => job.status?.state === JobState.PENDING);
    let position = 0;
    for (const entry of waiting) {
      const place = this.#freePlace(entry);
      if (place) {
        const createMs = entry.job.createTime ? timestampMs(entry.job.createTime) : Date.now();
        void new JobStage(this, entry, createMs + 400).perform(place);
      } else {
        this.#explainWait(entry, ++position);
      }
    }
  }

  #freePlace({ job }: DemoJob): { readonly runner: string; readonly slot: number } | undefined {
    const wanted = job.spec?.runnerLabels ?? [];
    for (const runner of this.runners.values()) {
      if (!isOnline(runner) || runner.info?.draining) continue;
      if (!wanted.every((label) => runner.info?.labels.includes(label))) continue;
      const busy = this.held(runner.name).map((held) => held.job.placement?.slot);
      const slots = Array.from({ length: runner.info?.slots ?? 0 }, (_, index) => index + 1);
      const slot = slots.find((free) => !busy.includes(free));
      if (slot !== undefined) return { runner: runner.name, slot };
    }
    return undefined;
  }

  #explainWait(entry: DemoJob, position: number): void {
    const reason = [...this.runners.values()].some(isOnline)
      ? PendingReason.ALL_SLOTS_BUSY
      : PendingReason.NO_RUNNER_ONLINE;
    const { status } = entry.job;
    const held = status?.detail.case === "pending" ? status.detail.value : undefined;
    if (held?.reason === reason && held.position === position) return;
    const detail = { case: "pending", value: { reason, position } } as const;
    this.setStatus(entry, Date.now(), { state: JobState.PENDING, detail });
  }

  /** The jobs that a runner holds. */
  held(runner: string): readonly DemoJob[] {
    return [...this.jobs.values()].filter(({ job }) => {
      const state = job.status?.state ?? JobState.UNSPECIFIED;
      return job.placement?.runner === runner && state !== JobState.PENDING && !isFinal(state);
    });
  }
}
