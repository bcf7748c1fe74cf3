import { clone, create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { AskRuleSchema, AskState } from "#gen/job/v1/ask_pb.js";
import { MessageSchema, MessageState } from "#gen/job/v1/job_event_pb.js";
import { ActorKind, ActorSchema, type JobSpec, JobSpecSchema, JobState } from "#gen/job/v1/job_pb.js";
import {
  type JobService,
  type SendMessageRequest,
  type WatchJobRequest,
  type WatchJobsRequest,
  WatchOutcome,
} from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import { isFinal } from "../jobs/job-state.ts";
import { workText } from "../jobs/job-words.ts";
import { actFor } from "./acts.ts";
import { filterJobs } from "./filter-jobs.ts";
import { readLog } from "./read-log.ts";
import type { DemoJob, World } from "./world.ts";

const heartbeatMs = 10_000;
const you = { kind: ActorKind.CALLER, id: "you" } as const;

/** JobService over a world in memory. What it lacks is answered as not implemented. */
export function createDemoJobService(world: World): Partial<ServiceImpl<typeof JobService>> {
  const find = (id: string): DemoJob => {
    const entry = world.jobs.get(id);
    if (!entry) throw new ConnectError(`no job has the id ${id}`, Code.NotFound);
    return entry;
  };
  const made = new Map<string, DemoJob>();
  const makeOnce = (key: string, make: () => DemoJob) => {
    const entry = made.get(key) ?? make();
    if (key !== "") made.set(key, entry);
    return { job: entry.job };
  };
  return {
    createJob: ({ spec, idempotencyKey, continues }) => {
      const valid = validSpec(spec);
      return makeOnce(idempotencyKey, () => world.createJob({ spec: valid, act: actFor(valid), continues }));
    },
    retryJob: ({ id, idempotencyKey }) => {
      const { job, act } = find(id);
      const spec = clone(JobSpecSchema, validSpec(job.spec));
      return makeOnce(idempotencyKey, () => world.createJob({ spec, act, retryOf: id }));
    },
    getJob: ({ id }) => ({ job: find(id).job }),
    listJobs: (request) => {
      const jobs = filterJobs(
        [...world.jobs.values()].map(({ job }) => job),
        request,
      );
      const from = Number(request.pageToken || "0");
      const until = from + (request.pageSize || 50);
      return {
        jobs: jobs.slice(from, until),
        nextPageToken: until < jobs.length ? String(until) : "",
        revision: world.revision,
      };
    },
    cancelJob: ({ id }) => {
      const entry = find(id);
      if (entry.job.status?.state === JobState.PENDING) {
        const outcome = { case: "outcome", value: { actor: you, message: "Stopped by you before it began." } } as const;
        world.change(entry, { endTime: timestampNow() });
        world.setStatus(entry, Date.now(), { state: JobState.CANCELED, detail: outcome });
      }
      entry.stop.abort();
      return { job: entry.job };
    },
    deleteJob: ({ id }) => {
      world.jobs.delete(find(id).id);
      world.deleted.push({ id, revision: ++world.revision });
      world.bell.ring();
      return {};
    },
    watchJob: (request, context) => watchJob(world, find(request.id), request, context),
    watchJobs: (request, context) => watchJobs(world, request, context),
    readLog: (request) => readLog(find(request.id).batches, request),
    getDiff: ({ id }) => {
      const { diff } = find(id);
      if (!diff) throw new ConnectError("the job changed nothing", Code.FailedPrecondition);
      return { diff };
    },
    sendMessage: (request) => ({ message: changeMessage(world, find(request.id), request) }),
    setPermissionMode: ({ id, mode }) => {
      const entry = find(id);
      world.change(entry, { permissionMode: mode });
      return { job: entry.job };
    },
    listAsks: ({ jobId, states }) => {
      const wanted = states.length > 0 ? states : [AskState.OPEN];
      const asks = [...world.asks.values()].filter(
        (ask) => wanted.includes(ask.state) && (jobId === "" || ask.jobId === jobId),
      );
      return { asks };
    },
    decideAsk: ({ asks, decision }) => ({
      asks: asks.map(({ askId }) => {
        const held = world.asks.get(askId);
        if (!held || !decision) throw new ConnectError(`no ask has the id ${askId}`, Code.NotFound);
        if (held.state !== AskState.OPEN) throw decidedBefore();
        const decided = { ...decision, decideTime: timestampNow(), actor: create(ActorSchema, you) };
        const closed = { ...held, state: AskState.DECIDED, decision: decided };
        world.setAsk(find(held.jobId), closed);
        return closed;
      }),
    }),
    createAskRule: ({ rule, preview }) => {
      const id = preview ? "" : world.chance.id("rule_");
      const stored = {
        ...create(AskRuleSchema, rule),
        id,
        createTime: timestampNow(),
        creator: create(ActorSchema, you),
      };
      if (!preview) world.rules.set(id, stored);
      return { rule: stored };
    },
    listAskRules: () => ({ rules: [...world.rules.values()] }),
    revokeAskRule: ({ id }) => {
      const rule = world.rules.get(id);
      if (!rule) throw new ConnectError(`no rule has the id ${id}`, Code.NotFound);
      world.rules.delete(id);
      return { rule };
    },
  };
}

function decidedBefore(): ConnectError {
  return problemError({
    code: Code.FailedPrecondition,
    reason: ProblemReason.ALREADY_DECIDED,
    message: "the ask was decided before",
    action: "Nothing is left to do.",
  });
}

/** Refuses what a gateway would refuse, as far as the form can send it. */
function validSpec(spec: JobSpec | undefined): JobSpec {
  if (!spec) throw new ConnectError("spec: value is required", Code.InvalidArgument);
  if (spec.repoRef === "") throw invalid("spec.repo_ref", "repo_ref must not be empty");
  if (!workText(spec).trim()) {
    const isAgent = spec.work.case === "agent";
    throw invalid(
      isAgent ? "spec.agent.prompt" : "spec.task.command",
      `${isAgent ? "prompt" : "command"} must not be blank`,
    );
  }
  return spec;
}

function invalid(field: string, message: string): ConnectError {
  const action = "Correct the field and send it again.";
  return problemError({ code: Code.InvalidArgument, reason: ProblemReason.INVALID_FIELD, field, message, action });
}

async function* watchJob(
  world: World,
  entry: DemoJob,
  request: WatchJobRequest,
  { signal }: Pick<HandlerContext, "signal">,
) {
  const newestSequence = entry.job.newestSequence;
  const { gap } = entry;
  const isBehindGap = gap !== undefined && request.afterSequence < gap.toSequence;
  const at = { oldestSequence: gap ? gap.toSequence + 1 : 1, newestSequence, storedSequence: newestSequence };
  const outcome = isBehindGap ? WatchOutcome.GAP : WatchOutcome.OK;
  const verdict = { ...at, outcome, ...(isBehindGap && { gap }) };
  yield { message: { case: "verdict", value: verdict } } as const;
  let sequence = isBehindGap ? gap.toSequence : request.afterSequence;
  while (!signal.aborted) {
    // One event a batch, so a batch's place is its number.
    for (const batch of entry.batches.slice(sequence)) {
      yield { message: { case: "batch", value: batch } } as const;
      sequence++;
    }
    if (sequence < entry.job.newestSequence) continue;
    if (isFinal(entry.job.status?.state ?? JobState.UNSPECIFIED)) return;
    await world.bell.heard(signal, heartbeatMs);
    if (sequence === entry.job.newestSequence) {
      const beat = { newestSequence: sequence, storedSequence: sequence, time: timestampNow() };
      yield { message: { case: "heartbeat", value: beat } } as const;
    }
  }
}

async function* watchJobs(
  world: World,
  { afterRevision }: WatchJobsRequest,
  { signal }: Pick<HandlerContext, "signal">,
) {
  let seen = afterRevision;
  yield { message: { case: "heartbeat", value: { time: timestampNow() } }, revision: seen } as const;
  while (!signal.aborted) {
    const changed = [...world.jobs.values()].filter(({ revision }) => revision > seen);
    for (const { job, revision } of changed.toSorted((a, b) => a.revision - b.revision)) {
      yield { message: { case: "job", value: job }, revision } as const;
    }
    for (const { id, revision } of world.deleted.filter((gone) => gone.revision > seen)) {
      yield { message: { case: "deletedId", value: id }, revision } as const;
    }
    const isQuiet = seen === world.revision;
    seen = world.revision;
    await world.bell.heard(signal, heartbeatMs);
    if (isQuiet) yield { message: { case: "heartbeat", value: { time: timestampNow() } }, revision: seen } as const;
  }
}

function changeMessage(world: World, entry: DemoJob, { action }: SendMessageRequest) {
  if (action.case === "send") {
    const message = create(MessageSchema, {
      id: world.chance.id("msg_"),
      createTime: timestampNow(),
      state: MessageState.QUEUED,
      text: action.value.text,
      interrupt: action.value.interrupt,
      author: you,
    });
    entry.messages.push(message);
    world.emit(entry, Date.now(), { case: "message", value: message });
    return message;
  }
  const id = action.case === "edit" ? action.value.id : action.value;
  const index = entry.messages.findIndex((message) => message.id === id);
  const held = entry.messages[index];
  if (held?.state !== MessageState.QUEUED)
    throw new ConnectError("the message is no longer queued", Code.FailedPrecondition);
  const changed =
    action.case === "edit" ? { ...held, text: action.value.text } : { ...held, state: MessageState.WITHDRAWN };
  entry.messages[index] = changed;
  world.emit(entry, Date.now(), { case: "message", value: changed });
  return changed;
}
