/** Why calls about messages and the permission mode are refused. */
import { Code } from "@connectrpc/connect";
import { type Message, MessageState } from "#gen/job/v1/job_event_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { ProblemInit } from "#protocol/problem.ts";

/** No Message of the Job has this id. */
export function messageNotFound(id: string): ProblemInit {
  return {
    code: Code.NotFound,
    reason: ProblemReason.MESSAGE_NOT_FOUND,
    message: `the job has no message ${id}`,
    action: "Take the id from the answer that sent it, or from the job's events.",
  };
}

/** The Message waits no more. */
export function messageConsumed({ id, state }: Message): ProblemInit {
  const what = state === MessageState.WITHDRAWN ? "was withdrawn" : "was taken by the agent";
  return {
    code: Code.FailedPrecondition,
    reason: ProblemReason.MESSAGE_CONSUMED,
    message: `message ${id} ${what}`,
    action: "Send another message.",
  };
}

/** Too many messages wait for the agent. */
export function tooManyMessages(what: string): ProblemInit {
  return {
    code: Code.ResourceExhausted,
    reason: ProblemReason.TOO_MANY,
    message: `${what} wait for the agent already`,
    action: "Wait until the agent has taken some, or withdraw some.",
    retryAfterMs: 10_000,
  };
}

/** The Job is final, and its agent with it. */
export function agentGone(id: string): ProblemInit {
  return {
    code: Code.FailedPrecondition,
    reason: ProblemReason.JOB_FINISHED,
    message: `job ${id} is finished`,
    action: "Create a job that continues it.",
  };
}

/** The Job runs a command, which hears nobody. */
export function noAgent(id: string): ProblemInit {
  return {
    code: Code.FailedPrecondition,
    reason: ProblemReason.NOT_SUPPORTED,
    field: "id",
    message: `job ${id} is a task, it runs no agent`,
    action: "Do this with the job of an agent.",
  };
}

/** The Job is between gateway and runner; which of them has it is known in a moment. */
export function isStarting(id: string): ProblemInit {
  return {
    code: Code.Unavailable,
    reason: ProblemReason.RUNNER_OFFLINE,
    message: `job ${id} is about to start, and its runner has not answered yet`,
    action: "Try again in a moment.",
    retryAfterMs: 1_000,
  };
}
