import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import {
  type Actor,
  CheckoutOptionsSchema,
  DiffstatSchema,
  EndCauseSchema,
  type Job,
  JobPhaseSchema,
  JobState,
  JobStateSchema,
  type JobStatus,
  ModelUsageSchema,
  PendingReason,
  PendingReasonSchema,
  PermissionModeSchema,
  PublicationSchema,
  type Publish,
  PullRequestSchema,
  UsageSchema,
  WaitingReasonSchema,
} from "#gen/job/v1/job_pb.js";
import { durationToJson, enumToJson, type JsonObject, microsToUsd, timeToJson, toJson } from "./json.ts";

/** A job as the REST routes show it. Links begin with the origin. */
export function jobToJson(job: Job, origin: string): JsonObject {
  return {
    id: job.id,
    ...statusToJson(job.status),
    ...workToJson(job),
    name: job.spec?.name || null,
    created_at: timeToJson(job.createTime),
    started_at: timeToJson(job.startTime),
    finished_at: timeToJson(job.endTime),
    runner: job.placement?.runner ?? null,
    lane: job.placement?.slot ?? null,
    attempt: job.placement?.attempt ?? null,
    phase: enumToJson(JobPhaseSchema, job.phase),
    suspect: job.suspect,
    open_asks: job.openAsks,
    result: job.result || null,
    labels: job.spec?.labels ?? {},
    runner_labels: job.spec?.runnerLabels ?? [],
    priority: job.spec?.priority ?? 0,
    env: job.spec?.env ?? {},
    allowed_hosts: job.spec?.allowedHosts ?? [],
    ...limitsToJson(job),
    checkout: optional(CheckoutOptionsSchema, job.spec?.checkout),
    artifacts: job.spec?.artifacts ?? [],
    artifact_count: job.artifacts,
    publish: publishToJson(job.spec?.publish),
    base_commit: job.baseCommit || null,
    diffstat: optional(DiffstatSchema, job.diffstat),
    publication: optional(PublicationSchema, job.publication),
    created_by: actorToJson(job.creator),
    retry_of: job.retryOf || null,
    continues: job.continues || null,
    continues_turn: job.continuesTurn || null,
    last_seq: job.newestSequence,
    log_bytes: Number(job.log?.bytes ?? 0n),
    log_lines: job.log?.lines ?? 0,
    usage: optional(UsageSchema, job.usage),
    usage_by_model: job.usageByModel.map((usage) => toJson(ModelUsageSchema, usage)),
    revision: job.revision,
    url: `${origin}/jobs/${job.id}`,
  };
}

function optional<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc> | undefined): JsonObject | null {
  return message === undefined ? null : toJson(schema, message);
}

/** As it is given when a job is created. */
function publishToJson(publish: Publish | undefined): JsonObject | null {
  if (publish === undefined) return null;
  const { branch, pullRequest } = publish;
  return {
    branch: branch?.name ?? "",
    commit_message: branch?.commitMessage ?? "",
    force: branch?.force ?? false,
    pull_request: optional(PullRequestSchema, pullRequest),
  };
}

/** Where a job stands and why: the state, a slug and a sentence, and how it ended. */
export function statusToJson(status: JobStatus | undefined): JsonObject {
  const detail = status?.detail;
  const outcome = detail?.case === "outcome" ? detail.value : undefined;
  return {
    status: enumToJson(JobStateSchema, status?.state ?? JobState.UNSPECIFIED),
    reason: reasonSlug(detail),
    message: outcome === undefined ? reasonSentence(detail) : outcome.message || null,
    position: detail?.case === "pending" && detail.value.position > 0 ? detail.value.position : null,
    until: detail?.case === "pending" || detail?.case === "waiting" ? timeToJson(detail.value.until) : null,
    exit_code: outcome?.exitCode ?? null,
    signal: outcome?.signal || null,
    ended_by: actorToJson(outcome?.actor),
  };
}

/** True once a job never changes again. */
export function isFinal(state: JobState | undefined): boolean {
  return state !== undefined && state >= JobState.SUCCEEDED;
}

function reasonSlug(detail: JobStatus["detail"] | undefined): string | null {
  switch (detail?.case) {
    case "pending":
      return enumToJson(PendingReasonSchema, detail.value.reason) ?? "queued";
    case "waiting":
      return enumToJson(WaitingReasonSchema, detail.value.reason);
    case "outcome":
      return enumToJson(EndCauseSchema, detail.value.cause);
    default:
      return null;
  }
}

const pendingSentences: Readonly<Record<PendingReason, string>> = {
  [PendingReason.UNSPECIFIED]: "The job is queued.",
  [PendingReason.NO_RUNNER_ONLINE]: "No runner is online; the job starts by itself when one is.",
  [PendingReason.NO_MATCHING_RUNNER]: "No runner that is online has the labels or the executor this job asks for.",
  [PendingReason.ALL_SLOTS_BUSY]: "Every slot of the matching runners is taken.",
  [PendingReason.RUNNER_DRAINING]: "The matching runners take no new jobs at the moment.",
  [PendingReason.QUEUE_PAUSED]: "An operator paused the queue.",
  [PendingReason.BUDGET_EXHAUSTED]: "The budget of the day is spent.",
  [PendingReason.RATE_LIMITED]: "The model's provider asked to wait.",
  [PendingReason.RUNNER_OFFLINE]:
    "The only runner that may have the job does not answer; it starts by itself when it does.",
  [PendingReason.DISK_LOW]: "The disk of every matching runner is nearly full.",
  [PendingReason.DISPATCHING]: "A runner is being asked to take the job.",
};

function reasonSentence(detail: JobStatus["detail"] | undefined): string | null {
  return detail?.case === "pending" ? (pendingSentences[detail.value.reason] ?? null) : null;
}

function workToJson({ spec, permissionMode }: Job): JsonObject {
  const work = spec?.work;
  const shared = { type: "task", repo_ref: spec?.repoRef ?? "", command: null, argv: null, prompt: null };
  if (work?.case === "task") {
    const { invocation } = work.value;
    if (invocation.case === "argv") return { ...shared, argv: invocation.value.args };
    return { ...shared, command: invocation.value ?? null };
  }
  if (work?.case !== "agent") return { ...shared, type: null };
  const { agent, prompt, model, allowedTools, deniedTools, appendSystemPrompt, effort, attachments } = work.value;
  return {
    ...shared,
    type: agent,
    prompt,
    model: model || null,
    permission_mode: enumToJson(PermissionModeSchema, permissionMode),
    allowed_tools: allowedTools,
    denied_tools: deniedTools,
    append_system_prompt: appendSystemPrompt || null,
    effort: effort || null,
    attachments: attachments.map(({ sha256, name }) => ({ sha256, name })),
  };
}

function limitsToJson({ spec, budgetMicros }: Job): JsonObject {
  const limits = spec?.limits;
  return {
    timeout_ms: durationToJson(limits?.wall),
    idle_timeout_ms: durationToJson(limits?.idle),
    queue_timeout_ms: durationToJson(limits?.queue),
    ask_timeout_ms: durationToJson(limits?.ask),
    max_turns: limits?.maxTurns || null,
    max_log_bytes: Number(limits?.logBytes ?? 0n) || null,
    budget_usd: microsToUsd(budgetMicros) || null,
  };
}

function actorToJson(actor: Actor | undefined): string | null {
  return actor?.id || null;
}
