import { fromJson, toJson } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { DecisionSchema } from "#gen/job/v1/ask_pb.js";
import { type Message, MessageSchema } from "#gen/job/v1/job_event_pb.js";
import type { Actor } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type {
  AllowHostRequest,
  DecideAskRequest,
  SendMessageRequest,
  SetPermissionModeRequest,
} from "#gen/runner/v1/runner_service_pb.js";
import { problemError } from "#protocol/problem.ts";
import { noHost } from "./check-job.ts";
import type { Attempt } from "./job/attempt.ts";
import type { Call } from "./job/supervisor-calls.ts";
import { parseHostRule } from "./sandbox/host-rule.ts";
import type { CallAnswer, CommandActor, SteeringRefusal } from "./supervisor/control.ts";

/** Passes a decision on. What comes of it is told by the event that closes the ask. */
export async function decideAsk(attempt: Attempt, { askId, decision }: DecideAskRequest): Promise<void> {
  requireAgent(attempt);
  if (decision === undefined) return;
  await attempt.calls.command({ kind: "decide", askId, decision: toJson(DecisionSchema, decision) });
}

/** Passes a message on, and answers how it stands. */
export async function sendMessage(attempt: Attempt, { message }: SendMessageRequest): Promise<Message | undefined> {
  requireAgent(attempt);
  if (message === undefined) return undefined;
  const answer = await call(attempt, { kind: "message", message: toJson(MessageSchema, message) });
  return answer.kind === "message" ? fromJson(MessageSchema, answer.message) : message;
}

/** Has the permission mode changed. */
export async function setPermissionMode(attempt: Attempt, { mode, actor }: SetPermissionModeRequest): Promise<void> {
  requireAgent(attempt);
  await call(attempt, { kind: "mode", mode, actor: toCommandActor(actor) });
}

/** Lets the job reach another host. */
export async function allowHost(attempt: Attempt, { host, actor }: AllowHostRequest): Promise<void> {
  if (parseHostRule(host) === undefined) throw noHost("host", host);
  await call(attempt, { kind: "allowHost", host, actor: toCommandActor(actor) });
}

async function call(attempt: Attempt, command: Call): Promise<Exclude<CallAnswer, { kind: "refused" }>> {
  const answer = await attempt.calls.call(command);
  if (answer.kind !== "refused") return answer;
  const { reason, action } = refusals[answer.refusal as SteeringRefusal];
  throw problemError({ code: Code.FailedPrecondition, reason, action, message: answer.message });
}

function toCommandActor(actor: Actor | undefined): CommandActor | null {
  return actor === undefined ? null : { kind: actor.kind, id: actor.id };
}

function requireAgent({ hasAgent, jobId }: Attempt): void {
  if (hasAgent) return;
  throw problemError({
    code: Code.FailedPrecondition,
    reason: ProblemReason.NOT_SUPPORTED,
    message: `${jobId} is a task, which has no agent`,
    action: "Stop the task, or create a job for an agent.",
  });
}

const refusals: Readonly<Record<SteeringRefusal, { readonly reason: ProblemReason; readonly action: string }>> = {
  consumed: { reason: ProblemReason.MESSAGE_CONSUMED, action: "Send another message." },
  ended: { reason: ProblemReason.JOB_FINISHED, action: "Create a job that continues this one." },
  unsupported: { reason: ProblemReason.NOT_SUPPORTED, action: "Choose another permission mode." },
  unconfined: { reason: ProblemReason.NOT_SUPPORTED, action: "Nothing has to be allowed for it." },
  fixedHosts: { reason: ProblemReason.NOT_SUPPORTED, action: "Have the operator add the host to EGRESS_ALLOW." },
};
