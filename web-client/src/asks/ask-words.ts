import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Ask, AskState, type Decision } from "#gen/job/v1/ask_pb.js";
import { ActorKind } from "#gen/job/v1/job_pb.js";
import { summarizeInput } from "../transcript/tool-input.ts";
import { agoText, costText } from "../ui/time-text.ts";

/** What an ask is about, in a few words: "Permission: Bash". */
export function askTitle({ question }: Ask): string {
  switch (question.case) {
    case "permission":
      return `Permission: ${question.value.tool}`;
    case "questions":
      return question.value.questions.length === 1 ? "Question" : `${question.value.questions.length} questions`;
    case "plan":
      return "Plan to approve";
    case "budget":
      return "Budget spent";
    case undefined:
      return "An ask that this page is too old to show";
  }
}

/** The one line that tells most of an ask: the command, the first question. */
export function askSummary({ question }: Ask): string {
  switch (question.case) {
    case "permission":
      return summarizeInput(question.value.inputJson);
    case "questions":
      return question.value.questions[0]?.text ?? "";
    case "plan":
      return question.value.plan.replace(/^[\s#]+/, "").split("\n", 1)[0] ?? "";
    case "budget":
      return `${costText(Number(question.value.spentMicros))} of ${costText(Number(question.value.limitMicros))}`;
    case undefined:
      return "";
  }
}

/** How an ask was closed: "Allowed by ana". Empty while it is open. */
export function closedText({ state, decision }: Ask): string {
  switch (state) {
    case AskState.DECIDED:
      return decision ? `${decidedHow(decision)} ${decidedBy(decision)}` : "Decided";
    case AskState.EXPIRED:
      return "Expired: denied because nobody answered in time";
    case AskState.WITHDRAWN:
      return "Taken back: the job ended, or the agent no longer asks";
    case AskState.OPEN:
    case AskState.UNSPECIFIED:
      return "";
  }
}

/** The same with its age, "Allowed by ana, 2 s ago"; "Already allowed by …" for somebody who decided too late. */
export function closedAgoText(ask: Ask, { nowMs, isBeaten }: { nowMs: number; isBeaten: boolean }): string {
  const text = closedText(ask);
  const decideTime = ask.decision?.decideTime;
  const ago = decideTime ? `, ${agoText(nowMs - timestampMs(decideTime))}` : "";
  const isRace = isBeaten && ask.state === AskState.DECIDED;
  return `${isRace ? `Already ${text.charAt(0).toLowerCase()}${text.slice(1)}` : text}${ago}`;
}

/** True when an ask closed with a yes. */
export function isConsent({ state, decision }: Ask): boolean {
  return state === AskState.DECIDED && decision?.verdict.case !== "deny";
}

/** What is left until an ask denies itself: "42 s", "5 min"; empty when it never does. */
export function timeLeftText({ expireTime }: Ask, nowMs: number): string {
  if (!expireTime) return "";
  const seconds = Math.max(0, Math.ceil((timestampMs(expireTime) - nowMs) / 1_000));
  const minutes = Math.ceil(seconds / 60);
  if (seconds < 120) return `${seconds} s`;
  return minutes < 120 ? `${minutes} min` : `${Math.round(seconds / 3_600)} h`;
}

function decidedHow({ verdict }: Decision): string {
  switch (verdict.case) {
    case "allow":
      if (verdict.value.rule) return `Allowed with the rule ${verdict.value.rule}`;
      return verdict.value.inputJson ? "Allowed with another input" : "Allowed";
    case "deny":
      return "Denied";
    case "answers":
      return "Answered";
    case "raiseBudget":
      return `Raised to ${costText(Number(verdict.value.limitMicros))}`;
    case undefined:
      return "Decided";
  }
}

function decidedBy({ actor, rule }: Decision): string {
  const who = actor?.kind === ActorKind.GATEWAY ? "the gateway" : actor?.id || "somebody";
  return rule ? `by the rule ${rule} of ${who}` : `by ${who}`;
}
