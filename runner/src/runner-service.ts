import { create, fromBinary } from "@bufbuild/protobuf";
import { durationMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { CgroupVersion, IsolationKind, type RunnerInfo, RunnerInfoSchema } from "#gen/fleet/v1/runner_pb.js";
import {
  type RunnerService,
  type StopJobRequest,
  type StreamEventsRequest,
  type StreamEventsResponse,
  StreamEventsResponseSchema,
} from "#gen/runner/v1/runner_service_pb.js";
import { EnvelopeSplitter, envelopeMessage } from "#protocol/envelope.ts";
import { checkJob } from "./check-job.ts";
import type { Config } from "./config.ts";
import type { ExecutorStatus } from "./executor/executor.ts";
import type { Artifacts } from "./job/artifacts.ts";
import type { Attachments } from "./job/attachments.ts";
import { requireDiskRoom } from "./job/disk-room.ts";
import type { Jobs } from "./job/jobs.ts";
import type { LeftWork } from "./job/left-work.ts";
import type { Ledger } from "./model-proxy/day-ledger.ts";
import type { Cgroups } from "./sandbox/cgroups.ts";
import { formatHostRule } from "./sandbox/host-rule.ts";
import type { SelfTest } from "./sandbox/self-test.ts";
import { streamEnvelopes } from "./spool/event-stream.ts";
import { allowHost, decideAsk, sendMessage, setPermissionMode } from "./steer.ts";
import { freeBytes } from "./supervisor/disk-watch.ts";
import { version } from "./version.ts";
import { getDiff, openPullRequest, pushBranch } from "./work.ts";
import type { GitStatus } from "./workspace/git-version.ts";

/** What the service answers from. */
export interface RunnerServiceOptions {
  readonly config: Config;
  readonly jobs: Jobs;
  readonly leftWork: LeftWork;
  readonly attachments: Attachments;
  readonly artifacts: Artifacts;
  /** What was found of each executor. */
  readonly executors: ReadonlyMap<string, Promise<ExecutorStatus>>;
  /** What was found of git. */
  readonly git: Promise<GitStatus>;
  /** What was found of the walls around jobs. */
  readonly confinement: Promise<SelfTest>;
  /** What bounds the processes of a job together. */
  readonly cgroups: Cgroups;
  /** What all jobs spend on models. */
  readonly spending: Ledger;
  readonly startTime: Date;
  readonly heartbeatMs: number;
}

/** RunnerService, whoever called. */
export function createRunnerService(options: RunnerServiceOptions): ServiceImpl<typeof RunnerService> {
  const { config, executors, git, jobs, attachments, artifacts, confinement } = options;
  return {
    async getRunner() {
      return { info: await describeRunner(options) };
    },
    async startJob(request) {
      await checkJob(request, { settings: config.job, executors, git, confinement });
      if (request.spec !== undefined && !jobs.holds(request)) {
        requireDiskRoom(config.minFreeDiskBytes);
        attachments.require(request.spec);
      }
      return jobs.start(request);
    },
    stopJob(request) {
      const attempt = jobs.get(request.jobId, request.attempt);
      attempt.stop(stopOrder(request));
      return {};
    },
    streamEvents: (request, context) => streamEvents(request, context, options),
    ackEvents({ jobId, attempt, storedSequence }) {
      jobs.get(jobId, attempt).acknowledge(storedSequence);
      return {};
    },
    async sendMessage(request) {
      const message = await sendMessage(jobs.get(request.jobId, request.attempt), request);
      return message === undefined ? {} : { message };
    },
    async decideAsk(request) {
      await decideAsk(jobs.get(request.jobId, request.attempt), request);
      return {};
    },
    async getDiff(request) {
      return { diff: await getDiff(request, options) };
    },
    async pushBranch(request) {
      return { publication: await pushBranch(request, options) };
    },
    async openPullRequest(request) {
      return { publication: await openPullRequest(request, options) };
    },
    async *readArtifact(request) {
      for await (const data of artifacts.read(request)) yield { data };
    },
    async allowHost(request) {
      await allowHost(jobs.get(request.jobId, request.attempt), request);
      return {};
    },
    async setPermissionMode(request) {
      await setPermissionMode(jobs.get(request.jobId, request.attempt), request);
      return {};
    },
    putAttachment: (request) => ({ received: attachments.put(request) }),
    async releaseJob({ jobId, attempt: number, forget }) {
      await jobs.releaseUpTo(jobId, number);
      if (forget) jobs.forget(jobId);
      return {};
    },
    async drain({ draining }) {
      jobs.draining = draining;
      return { info: await describeRunner(options) };
    },
  };
}

async function describeRunner({
  config,
  jobs,
  executors,
  startTime,
  spending,
  confinement,
  cgroups,
}: RunnerServiceOptions): Promise<RunnerInfo> {
  const statuses = await Promise.all(
    Array.from(executors, async ([name, status]) => describeExecutor(name, await status)),
  );
  return create(RunnerInfoSchema, {
    name: config.runnerName,
    startTime: timestampFromDate(startTime),
    version,
    slots: config.slots,
    usedSlots: jobs.slots.used,
    labels: [...config.labels],
    executors: statuses,
    isolation: describeIsolation(config, await confinement, cgroups),
    draining: jobs.draining,
    platform: `${process.platform}/${process.arch}`,
    attempts: jobs.all.map(({ jobId, number, phase, end, ended }) => ({
      jobId,
      attempt: number,
      phase,
      newestSequence: end.newestSequence,
      ended,
    })),
    mcpServers: Object.keys(config.job.executors.mcpServers ?? {}),
    freeDiskBytes: BigInt(freeBytes(".")),
    minFreeDiskBytes: BigInt(config.minFreeDiskBytes),
    daySpentMicros: BigInt(spending.spentMicros()),
    dayBudgetMicros: BigInt(config.job.model.dayBudgetMicros),
    ...describeEgress(config),
  });
}

function describeIsolation({ sandbox, job: { share } }: Config, { problem, walls }: SelfTest, cgroups: Cgroups) {
  const isBounded = sandbox.kind === "bubblewrap" && cgroups.version !== "none";
  const ownUsers = sandbox.kind === "bubblewrap" && process.getuid?.() === 0;
  return {
    kind: isolationKinds[sandbox.kind],
    summary: isolationSummary(sandbox.kind, ownUsers),
    problem,
    walls: [...walls],
    ownUsers,
    cgroups: sandbox.kind === "none" ? CgroupVersion.NONE : cgroupVersions[cgroups.version],
    memoryBytes: isBounded ? BigInt(share.memoryBytes) : 0n,
    maxProcesses: isBounded || ownUsers ? share.maxProcesses : 0,
    diskBytes: BigInt(share.diskBytes),
  };
}

const cgroupVersions = { 1: CgroupVersion.V1, 2: CgroupVersion.V2, none: CgroupVersion.NONE };

const isolationKinds = { none: IsolationKind.NONE, bubblewrap: IsolationKind.BUBBLEWRAP };

function isolationSummary(kind: keyof typeof isolationKinds, ownUsers: boolean): string {
  if (kind === "none") return "Jobs run as the runner's own user, without confinement.";
  return `Jobs run in boxes that bubblewrap builds, ${ownUsers ? "each as a user of its own" : "all as the runner's own user"}.`;
}

/** Without walls jobs reach whatever the runner does. */
function describeEgress({ sandbox, job: { egress } }: Config) {
  if (sandbox.kind === "none") return {};
  return { allowedHosts: egress.allowed.map(formatHostRule), moreHosts: egress.mayAllowMore };
}

function describeExecutor(name: string, status: ExecutorStatus) {
  return status.kind === "usable"
    ? { name, version: status.version, problem: "" }
    : { name, version: "", problem: status.problem };
}

function stopOrder({ cause, actor, grace }: StopJobRequest) {
  return {
    cause,
    actor: actor === undefined ? null : { kind: actor.kind, id: actor.id },
    graceMs: grace === undefined ? defaultGraceMs : durationMs(grace),
  };
}

const defaultGraceMs = 10_000;

/** The stream for callers that do not take the spool's bytes as they are. */
async function* streamEvents(
  { jobId, attempt, afterSequence }: StreamEventsRequest,
  { signal }: HandlerContext,
  { jobs, heartbeatMs }: RunnerServiceOptions,
): AsyncGenerator<StreamEventsResponse> {
  const splitter = new EnvelopeSplitter();
  const spool = jobs.get(jobId, attempt);
  await spool.untilHeard();
  for await (const bytes of streamEnvelopes(spool, { afterSequence, heartbeatMs, signal })) {
    for (const envelope of splitter.push(bytes.slice())) {
      yield fromBinary(StreamEventsResponseSchema, envelopeMessage(envelope));
    }
  }
}
