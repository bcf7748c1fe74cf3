/** Why calls about asks are refused. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { type Ask, AskState, type Decision } from "#gen/job/v1/ask_pb.js";
import { ActorKind } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { ProblemInit } from "#protocol/problem.ts";
import { durationInWords } from "../duration-in-words.ts";

/** No Ask has this id, or its Job was deleted. */
export function askNotFound(id: string): ProblemInit {
  return {
    code: Code.NotFound,
    reason: ProblemReason.ASK_NOT_FOUND,
    field: "asks[0].ask_id",
    message: `no ask has the id ${id}`,
    action: "List the asks to find its id.",
  };
}

/** The Ask waits no more: it was decided before, expired, or was withdrawn. */
export function closedBefore({ id, state, decision }: Ask, nowMs: number): ProblemInit {
  if (state === AskState.DECIDED && decision !== undefined) {
    return {
      code: Code.Aborted,
      reason: ProblemReason.ALREADY_DECIDED,
      message: `already ${decidedHow(decision)}, ${ago(decision, nowMs)}`,
      action: "Read the ask to see its decision; it stands.",
    };
  }
  const how =
    state === AskState.EXPIRED && decision !== undefined ? `expired ${ago(decision, nowMs)}` : "was withdrawn";
  return {
    code: Code.FailedPrecondition,
    reason: ProblemReason.ASK_CLOSED,
    message: `ask ${id} ${how}`,
    action: "Nothing waits for this decision any more.",
  };
}

/** The Ask cannot be decided in this way. */
export function wrongVerdict(field: string, message: string, action: string): ProblemInit {
  const path = `decision.${field}`;
  return { code: Code.FailedPrecondition, reason: ProblemReason.ASK_CLOSED, field: path, message, action };
}

function decidedHow({ verdict, actor, rule }: Decision): string {
  const verb = verdict.case === undefined ? "decided" : verbs[verdict.case];
  const who = actor?.kind === ActorKind.GATEWAY ? "the gateway" : (actor?.id ?? "somebody");
  return rule === "" ? `${verb} by ${who}` : `${verb} by ${rule} of ${who}`;
}

const verbs = { allow: "allowed", deny: "denied", answers: "answered", raiseBudget: "raised" } as const;

function ago({ decideTime }: Decision, nowMs: number): string {
  return `${durationInWords(nowMs - (decideTime === undefined ? nowMs : timestampMs(decideTime)))} ago`;
}
